"""Whatever Schemathesis makes of the OpenAPI document, every reply is one that the document promises.

FUZZ_CASES in the environment asks for more than the few hundred cases of an ordinary run: that is `scripts/fuzz`.
"""

import os
from collections import Counter

import pytest

from proxy.stub.actions import ACTIONS
from proxy.stub.openapi import document
from tests.stage import KEY, OTHER_KEY
from tests.stub.driving import Found, drive
from tests.stub.elsewhere import gateway
from tests.stub.renting import rent

OPERATIONS = {
    f"{method.upper()} {path}" for path, methods in document(ACTIONS, "")["paths"].items() for method in methods
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Found:
    wanted = int(os.environ.get("FUZZ_CASES", "0"))
    with gateway(tmp_path_factory.mktemp("house"), sms_after=0.2, getatext_extra="tier: premium") as (it, there):
        for service in ("go", "wa", "tg", "mm"):
            for key in (KEY, KEY, KEY, OTHER_KEY):
                there(it.number(service, api_key=key))
        for service in ("wa", "full") * 4:
            there(rent(it, service))
        found = drive(it.root, examples=4, seed=1, coverage=False)
        while found.cases < wanted:
            found += drive(it.root, examples=20, seed=found.cases, coverage=True)
    if wanted:
        plugins = pytestconfig.pluginmanager
        with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
            plugins.get_plugin("terminalreporter").write_line(
                f"\n{found.cases} cases, {len(found.failures)} findings; answers: {dict(found.words.most_common())}"
            )
    return found


def test_nothing_is_found(found: Found):
    assert not found.failures, "\n\n".join(found.failures[:10])


def test_every_operation_is_driven(found: Found):
    assert found.answers.keys() == OPERATIONS
    assert found.cases >= 300


def test_numbers_are_really_bought_and_asked_about(found: Found):
    words = found.words
    assert words["ACCESS_NUMBER"]
    assert {"STATUS_OK", "STATUS_CANCEL", "FULL_SMS"} & words.keys()
    assert {"ACCESS_READY", "ACCESS_RETRY_GET", "ACCESS_ACTIVATION", "ACCESS_CANCEL"} & words.keys()


def test_rents_are_really_asked_about(found: Found):
    about = [
        said for operation, said in found.answers.items() if "RentStatus" in operation or "ontinueRent" in operation
    ]
    words = sum(about, Counter())
    assert words["JSON"]
    assert words["NO_ID_RENT"] < words.total()


def test_nothing_goes_wrong_inside(found: Found):
    assert not found.words["ERROR_SQL"]
