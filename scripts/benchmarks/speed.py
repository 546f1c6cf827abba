"""How fast the gateway is beside what is usually written."""

from load import get, post
from servers import STUB, Bench, buy, row, spread, status_of


def poll(bench: Bench) -> None:
    """getStatus of an open activation against a constant."""
    ours = (bench.gateway, status_of(buy(bench.gateway.port)), b"STATUS_WAIT_CODE")
    theirs = (bench.constant, get(STUB), b"STATUS_WAIT_CODE")
    bench.in_turn("getStatus, 64 connections, against a Starlette constant", ours, theirs, 64, "1.3")


def purchase(bench: Bench) -> None:
    """getNumber against a plain proxy."""
    request = get(f"{STUB}?api_key=bench&action=getNumber&service=wa")
    ours, theirs = ((server, request, b"ACCESS_NUMBER") for server in (bench.gateway, bench.plain_proxy))
    bench.in_turn("getNumber, 64 at a time, against a plain proxy", ours, theirs, 64, "8")


def added(bench: Bench) -> None:
    """What the gateway adds to a purchase, one at a time."""
    ours = (bench.gateway, get(f"{STUB}?api_key=bench&action=getNumber&service=wa"), b"ACCESS_NUMBER")
    form = "cmd=request&user=demo&api_key=demo&service=WhatsApp"
    theirs = (bench.provider, post("/api_command.php", form), b'{"status": "ok"')
    added_ms = []
    for _ in range(bench.rounds):
        medians = [bench.measure(*side, 1)[0].quantile(0.5) for side in (ours, theirs)]
        added_ms.append(1000 * (medians[0] - medians[1]))
    row("getNumber, one at a time: ms added at the median", spread(added_ms), "at most 2")
