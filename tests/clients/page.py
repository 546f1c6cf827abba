"""docs/clients.md, made of the tables that the tests run."""

from pathlib import Path

from tests.clients.libraries import LIBRARIES
from tests.clients.rows import Library

PAGE = Path(__file__).parent.parent.parent / "docs" / "clients.md"
HEAD = """\
# Libraries that work in front of the gateway

Written by others for SMS-Activate and its successors, installed unmodified, and run method by method against the
gateway in every test run. A library speaks the dialect of the service that it was made for: set `dialect` of its
client in routing.yaml. What a library gets wrong whoever answers is named below, and what the gateway lacks; a test
sees it fail in just that way.

`URL` is `http://HOST:PORT/stubs/handler_api.php`, `ROOT` is `http://HOST:PORT`, `KEY` an `api_key` of routing.yaml.

"""
NODE = """\
## npm sms-activate 1.0.1

`dialect: sms-activate`, pointed with `sms.session.defaults.baseURL = URL`. Balance, number, status, code and setStatus
work; the balance loses its cents (`parseInt`), a code is cut at a colon, and its own default for a country is 0
(Russia): pass one, or give its client a `country` in routing.yaml. `scripts/node-client` runs the whole story against
the sandbox; it needs Node with npm and is run by hand.

"""
FOOT = """\
## Whoever gives up early

Give a library a timeout longer than `deadline` in routing.yaml (25 seconds). One that loses patience and repeats the
very same request within two minutes is given the number that was bought meanwhile; herosms, when its retries are used
up, asks getNumber instead of getNumberV2, and that is another request.

This page is made of the tables in `tests/clients`; after a change there, `WRITE_PAGES=1 scripts/test tests/clients`.
"""


def page() -> str:
    return HEAD + _overview() + "".join(_chapter(library) for library in LIBRARIES) + NODE + FOOT


def _overview() -> str:
    lines = ["| library | dialect | pointed at the gateway with | methods | at fault | lacking here |"]
    lines.append("|---|---|---|---|---|---|")
    for library in LIBRARIES:
        faulty = {row.method for row in library.rows if row.fault}
        lacking = {row.method for row in library.rows if row.lack}
        name, counts = f"{library.title} {library.version}", (len(library.methods()), len(faulty), len(lacking))
        cells = [name, f"`{library.dialect}`", f"`{library.pointing}`", *map(str, counts)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\n"


def _chapter(library: Library) -> str:
    lines = [f"## {library.title} {library.version}", "", "| method | in front of the gateway |", "|---|---|"]
    for method, others in library.methods().items():
        names = " = ".join(f"`{name}`" for name in (method, *others))
        lines.append(f"| {names} | {_verdict(library, method)} |")
    return "\n".join(lines) + "\n\n"


def _verdict(library: Library, method: str) -> str:
    rows = [row for row in library.rows if row.method == method]
    words = ["works"] if any(not row.fault and not row.lack for row in rows) else []
    words += [row.remark for row in rows]
    words += [row.fault and f"**its own fault:** {row.fault}" for row in rows]
    words += [row.lack and f"**lacking here:** {row.lack}" for row in rows]
    return "; ".join(word for word in dict.fromkeys(words) if word)
