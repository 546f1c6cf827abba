"""docs/protocol.md says what the declarations say."""

from pathlib import Path

import pytest

from proxy.stub.actions import ACTIONS
from proxy.stub.reference import TITLES, reference
from proxy.stub.registry import Action
from proxy.stub.replies import refusal_for

WRITTEN = Path(__file__).parents[2] / "docs" / "protocol.md"
DOCUMENT = reference(ACTIONS)


def test_the_file_is_up_to_date():
    assert WRITTEN.read_text() == DOCUMENT, "docs/protocol.md is older than the declarations: run scripts/reference"


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_every_action_is_in_it_with_its_words(action: Action):
    _, heading, rest = DOCUMENT.partition(f"### {action.name}\n")
    if not heading:
        assert f"| `{action.name}` | `{action.example}` | {action.section} |" in DOCUMENT
        return
    entry = rest.partition("\n### ")[0]
    assert action.summary in entry
    assert action.example in entry
    for spelling in [spelling for param in action.params for spelling in param.spellings]:
        assert f"`{spelling}`" in entry
    for kind in action.refusals:
        assert f"| `{refusal_for(kind, action.manner).word}` |" in entry


def test_every_action_belongs_to_a_chapter():
    assert {action.section.partition(".")[0] for action in ACTIONS.values()} <= TITLES.keys()
