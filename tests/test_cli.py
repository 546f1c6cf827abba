"""The commands: what they print, what they leave with, and that every error is one clear line."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.cli import main
from tests.process import finished
from tests.stage import Stage, stage, surroundings

GOOD = (Path(__file__).parent.parent / "routing.yaml").read_text()
BAD = """
clients:
  - {name: demo, api_kee: x}
providers:
  - {name: getsms, kind: getsmss, base_url: sandbox}
rules:
  - {order: cheapst}
colour: red
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command where a good routing.yaml lies: exit status, standard output, standard error."""
    (tmp_path / "routing.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(left.value.code or 0), out, err

    return command


def one_line(words: str) -> bool:
    return words.count("\n") == 1 and words.startswith("sms-proxy: ")


def test_check_finds_nothing_wrong_with_the_shipped_file(run: Run):
    assert run("check") == (0, "routing.yaml is fine\n", "")


def test_check_tells_everything_at_once_with_file_and_line(run: Run, tmp_path: Path):
    (tmp_path / "bad.yaml").write_text(BAD)
    status, out, err = run("check", "--config", "bad.yaml")
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert all(re.match(r"bad\.yaml:[0-9]+: ", line) for line in lines)
    for found in ("'api_kee'; the nearest known one is 'api_key'", "getsmss", "cheapst", "'colour'"):
        assert sum(found in line for line in lines) == 1, found


def test_a_missing_file_is_unusable(run: Run):
    status, out, err = run("check", "--config", "nothing.yaml")
    assert (status, out) == (2, "")
    assert "nothing.yaml: there is no such file" in err
    assert len(err.splitlines()) == 1


def test_a_missing_variable_is_named(run: Run, tmp_path: Path):
    (tmp_path / "routing.yaml").write_text(GOOD.replace("${SMS_PROXY_KEY:-demo}", "${NO_SUCH_VARIABLE}"))
    status, _, err = run("check")
    assert status == 1
    assert "NO_SUCH_VARIABLE" in err


def test_check_live_asks_for_the_balances(run: Run):
    assert run("check", "--live") == (
        0,
        "routing.yaml is fine\ngetsms: balance 500.00\ngetatext: balance 500.00\n",
        "",
    )


async def test_check_live_finds_a_provider_that_is_down_and_one_that_refuses(tmp_path: Path):
    async with surroundings(tmp_path) as it:
        (tmp_path / "routing.yaml").write_text(it.file)
        it.getatext.settings.api_key = "another"
        async with it.stopped("getsms"):
            status, out, err = await finished(tmp_path, "check", "--live")
    assert (status, out) == (1, "routing.yaml is fine\n")
    down, refused = err.splitlines()
    assert down.startswith("getsms: no connection")
    assert refused == "getatext: Wrong Api Key or User is restricted"


def test_explain_shows_the_route_with_reasons(run: Run):
    assert run("explain", "wa", "--max-price", "0.57") == (
        0,
        "wa in country 187 for demo, rule everything:\n"
        "  + getatext: 1. by cheapest: 0.55, stock 1200\n"
        "  - getsms: 0.60 is over the request's cap of 0.57\n",
        "",
    )


def test_explain_for_programs(run: Run):
    status, out, err = run("explain", "WhatsApp", "--json", "--client", "demo", "--country", "187")
    shown = json.loads(out)
    assert (status, err) == (0, "")
    assert [leg["provider"] for leg in shown["route"]] == ["getatext", "getsms"]
    assert shown["route"][0]["price"] == "0.5500"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--operator", "tmobile"), "cannot choose a carrier"),
        (("--country", "0"), "does not sell wa in country 0"),
        (("--max-price", "0.10"), "over the request's cap"),
    ],
)
def test_explain_tells_why_an_offer_is_dropped(run: Run, arguments: tuple[str, ...], wanted: str):
    _, out, err = run("explain", "wa", *arguments)
    assert wanted in out
    assert err == ""


def test_explain_with_nothing_left_found_something(run: Run):
    assert run("explain", "wa", "--country", "0")[0] == 1


@pytest.mark.parametrize("arguments", [("no such service",), ("wa", "--client", "nobody")])
def test_explain_of_what_there_is_not_is_unusable(run: Run, arguments: tuple[str, ...]):
    status, out, err = run("explain", *arguments)
    assert (status, out) == (2, "")
    assert one_line(err)


def test_explain_buys_nothing_and_leaves_nothing(run: Run, tmp_path: Path):
    run("explain", "wa")
    run("prices")
    assert [path.name for path in tmp_path.iterdir()] == ["routing.yaml"]


def test_prices_stand_side_by_side(run: Run):
    status, out, err = run("prices", "wa", "tg")
    assert (status, err) == (0, "")
    assert [line.split()[:5] for line in out.splitlines()] == [
        ["tg", "187", "getatext", "1.2500", "980"],
        ["tg", "187", "getsms", "1.4000", "640"],
        ["wa", "187", "getatext", "0.5500", "1200"],
        ["wa", "187", "getsms", "0.6000", "740"],
    ]


def test_prices_for_programs(run: Run):
    status, out, _ = run("prices", "--json")
    rows = json.loads(out)
    assert status == 0
    assert len(rows) > 50
    assert rows[0].keys() == {"service", "country", "provider", "name", "price", "stock"}


def test_prices_of_what_nobody_sells(run: Run):
    status, out, err = run("prices", "no such service")
    assert (status, out) == (2, "")
    assert one_line(err)


def test_keygen_makes_a_new_key_each_time(run: Run):
    keys = {run("keygen")[1] for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}\n", key) for key in keys)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nonsense",),
        ("nonsense",),
        ("serve", "--nonsense"),
        ("serve", "--port", "x"),
        ("serve", "--port", "99999"),
        ("serve", "--config"),
        ("serve", "--config", "nothing.yaml"),
        ("check", "too", "much"),
        ("explain",),
        ("explain", "wa", "--country", "x"),
        ("explain", "wa", "--country", "-1"),
        ("explain", "wa", "--max-price", "x"),
        ("explain", "wa", "--max-price", "NaN"),
        ("prices", "--nonsense"),
        ("export",),
        ("export", "nonsense"),
        ("export", "ledger", "--format", "xml"),
        ("export", "ledger", "--since", "yesterday"),
        ("export", "ledger"),
        ("export", "ledger", "--database", "nothing.db"),
        ("export", "ledger", "--database", "routing.yaml"),
        ("sandbox", "--port", "x"),
    ],
    ids=" ".join,
)
def test_unusable_arguments_are_one_clear_line_and_status_2(run: Run, arguments: tuple[str, ...]):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert one_line(err), err


def test_alone_it_says_how_to_use_it(run: Run):
    for arguments in ((), ("--help",), ("-h",)):
        _, out, err = run(*arguments)
        assert "keygen" in out + err
        assert (out + err).count("\n") > 5


def test_every_command_has_help(run: Run):
    for command in ("serve", "check", "explain", "prices", "export", "keygen", "sandbox"):
        status, out, err = run(command, "--help")
        assert (status, err) == (0, "")
        assert "Usage: sms-proxy" in out


def test_the_version_is_told(run: Run):
    status, out, _ = run("--version")
    assert status == 0
    assert re.search(r"[0-9]+\.[0-9]+\.[0-9]+", out)


class TestExport:
    """The books of a stage, while the gateway has them open."""

    @pytest.fixture
    async def it(self, tmp_path: Path):
        async with stage(tmp_path, poll=0.1) as it:
            (tmp_path / "routing.yaml").write_text(it.file)
            for _ in range(3):
                id, _ = await it.number("wa", providerIds="getsms")
            await it.ask("setStatus", id=id, status=8)
            yield it

    async def export(self, it: Stage, *arguments: str) -> str:
        status, out, err = await finished(it.folder, "export", *arguments)
        assert (status, err) == (0, "")
        assert "test-key" not in out
        return out

    async def test_csv_and_json_say_the_same(self, it: Stage):
        lines = list(csv.DictReader(io.StringIO(await self.export(it, "ledger"))))
        rows = json.loads(await self.export(it, "ledger", "--format", "json"))
        assert len(rows) == 10
        assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
        assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows] == lines

    async def test_since_leaves_out_what_began_before(self, it: Stage):
        middle = (await it.admin("activations"))[1]["created_at"]
        rows = json.loads(await self.export(it, "activations", "--format", "json", "--since", middle))
        assert [row["created_at"] >= middle for row in rows] == [True, True]
        assert json.loads(await self.export(it, "attempts", "--format", "json", "--since", "2099-01-01")) == []
        assert len((await self.export(it, "attempts", "--since", "2020-01-01T00:00:00+02:00")).splitlines()) == 4

    async def test_the_route_of_a_running_gateway_is_explained_with_its_deliveries(self, it: Stage):
        status, out, err = await finished(it.folder, "explain", "wa")
        assert (status, err) == (0, "")
        assert "delivers 0%" in out


async def test_an_unknown_client_leaves_no_connection_open(tmp_path: Path):
    async with surroundings(tmp_path) as it:
        (tmp_path / "routing.yaml").write_text(it.file)
        for arguments in (("explain", "wa", "--client", "nobody"), ("explain", "no such service"), ("prices", "nope")):
            status, out, err = await finished(tmp_path, *arguments)
            assert (status, out) == (2, "")
            assert one_line(err), err


async def test_prices_say_who_did_not_answer(tmp_path: Path):
    async with surroundings(tmp_path) as it:
        (tmp_path / "routing.yaml").write_text(it.file)
        async with it.stopped("getatext"):
            status, out, err = await finished(tmp_path, "prices", "wa")
    assert status == 0
    assert [line.split()[2] for line in out.splitlines()] == ["getsms"]
    assert err.startswith("getatext: no connection")
