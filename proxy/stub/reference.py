"""docs/protocol.md, made from the declarations: what every action does here, and how it differs from SMS-Activate."""

import json
from collections.abc import Iterable, Mapping

from proxy.errors import BadKey
from proxy.stub.actions.nothing import NOTHING
from proxy.stub.openapi import EVERYWHERE, STUB, description_of
from proxy.stub.registry import Action, Param
from proxy.stub.replies import Refusal, refusal_for
from proxy.stub.shapes import SHAPES, Shape

TITLES = {
    "2": "What becomes of a number",
    "3": "Buying, lists, money",
    "4": "Services, countries, prices",
    "5": "Renting",
    "6": "E-mail",
}
"""The chapters, under the numbers that the actions' sections begin with."""
OPENING = f"""\
# The protocol, action by action

*Made from the declarations in `proxy/stub`; change it there and run `scripts/reference`.*

The address is `{STUB}`; it may be written without `.php` and without `/stubs`, and an action may
also stand in the path: `{STUB}/getNumber`. `GET` carries the parameters in the query,
`POST` in the query, in a form, or in both.

- `action` and `api_key` belong to every request. Names and values are trimmed; an empty parameter is none; of one that
  comes twice the last counts; unknown ones are ignored.
- A reply is plain words or JSON, and its content type says which. The status is 200 for everything but
  `TOO_MANY_REQUESTS` and a wrong method.
- A refusal is one plain word. The header `X-Reason` says more where the word alone does not tell.
- Actions about rents refuse with `{{"status":"error","message":WORD}}`, and say `SERVER_ERROR` for `ERROR_SQL`; the
  other refusals of every action are plain there too.
- Money is in US dollars, times are UTC.
- A purchase carries the headers `X-Price` (what was really paid) and `X-Provider` (who sold it).
- The replies are those of the dialect `sms-activate`; what other dialects change is in `proxy/stub/dialects.py`.
"""


def reference(actions: Mapping[str, Action]) -> str:
    """The whole document."""
    real = [action for action in actions.values() if action.name not in NOTHING]
    chapters = [_chapter(number, title, real) for number, title in TITLES.items()]
    return "\n".join([OPENING, _anywhere(), *filter(None, chapters), _nothing(actions)])


def _anywhere() -> str:
    refused = map(refusal_for, (*EVERYWHERE, BadKey))
    return "## Refusals of every action\n\n" + _table(("word", "meaning"), _refusal_rows(refused))


def _chapter(number: str, title: str, actions: Iterable[Action]) -> str:
    own = sorted((a for a in actions if a.section.partition(".")[0] == number), key=lambda action: action.section)
    return "\n".join([f"## {number}. {title}\n", *map(_entry, own)]) if own else ""


def _entry(action: Action) -> str:
    parts = [f"### {action.name}\n\n{action.summary} (Section {action.section}.)", _notes(action)]
    if action.params:
        parts.append(_table(("parameter", "", "meaning"), map(_param_row, action.params)))
    parts.append(_replies(action))
    refused = [refusal_for(kind, action.manner) for kind in action.refusals]
    if refused:
        parts.append(_table(("refusal", "meaning"), _refusal_rows(refused)))
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _notes(action: Action) -> str:
    key = "No key is needed." if action.open else ""
    differs = description_of(action)
    return "\n\n".join(filter(None, [key, f"**Differs:** {differs}" if differs else ""]))


def _param_row(param: Param) -> tuple[str, str, str]:
    spelled = ", ".join(f"`{spelling}`" for spelling in param.spellings)
    return spelled, "must be there" if param.missing else "", f"{param.help}{_default(param)}"


def _default(param: Param) -> str:
    """Only numbers are worth a word: everything else that is left out is simply not asked for."""
    shown = type(param.default) is int
    return f"; {param.default} if left out" if shown else ""


def _replies(action: Action) -> str:
    shape = SHAPES[action.name]
    rows = [*shape.words.items(), *((words, "there is none") for words in _fixed(shape))]
    table = _table(("reply", "meaning"), ((f"`{said}`", meaning) for said, meaning in rows))
    if shape.value is not None:
        return f"{table}\n```json\n{action.example}\n```"
    return f"{table}\nFor example `{action.example}`." if "{" in "".join(shape.words) else table


def _fixed(shape: Shape) -> Iterable[str]:
    """The JSON replies that are always the same, among others that are not."""
    for choice in (shape.value or {}).get("anyOf", ()):
        fields = choice.get("properties", {})
        if fields and all("const" in field for field in fields.values()):
            yield json.dumps({name: field["const"] for name, field in fields.items()}, separators=(",", ":"))


def _refusal_rows(refusals: Iterable[Refusal]) -> Iterable[tuple[str, str]]:
    meanings: dict[str, list[str]] = {}
    for refusal in refusals:
        meanings.setdefault(refusal.word, []).append(refusal.meaning)
    return ((f"`{word}`", "; ".join(dict.fromkeys(told))) for word, told in sorted(meanings.items()))


def _nothing(actions: Mapping[str, Action]) -> str:
    rows = [(f"`{name}`", f"`{actions[name].example}`", actions[name].section) for name in NOTHING]
    return (
        "## Without anything behind them\n\nNo provider offers these: they answer as an account without such things "
        "would, always the same.\n\n" + _table(("action", "answer", "section"), rows)
    )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; nothing where there are no rows."""
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *lines, ""]) if lines else ""
