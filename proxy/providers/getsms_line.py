"""The line to getsms.online: one command out, and what kind of answer came back.

Everything comes as HTTP 200 with `status` and `message`; what else comes is not understood. Every command is a POST
with a form: so the key stands in no URL, and nothing on the way repeats it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import Order, ProviderSettings, Reason, Refused
from proxy.providers.reading import Meanings, text_of, words_of
from proxy.providers.wire import Wire, exchange

BAD_ID = "invalid request id"
DOCUMENTED: Meanings = (
    ("invalid service name", Reason.NO_SUCH_SERVICE),
    ("no numbers available", Reason.OUT_OF_STOCK),
    ("mdn is not available", Reason.NUMBER_GONE),
    (BAD_ID, Reason.BAD_REQUEST),
)
AWAITING = "awaiting mdn"
ENDED = frozenset({"rejected", "timed out"})


@dataclass(frozen=True, slots=True)
class Reply:
    """An envelope that was understood: `ok` with a message of any shape, or an error with its text."""

    ok: bool
    message: object
    text: str = ""

    def says(self, words: str) -> bool:
        return not self.ok and words in self.text.lower()


class Line:
    def __init__(self, name: str, wire: Wire, settings: ProviderSettings) -> None:
        self.name = name
        self._wire = wire
        self._user = settings.user
        self._key = settings.api_key
        self._timeout = settings.timeout
        base = settings.base_url.rstrip("/")
        self._url = base if base.endswith(".php") else f"{base}/api_command.php"

    async def ask(self, command: str, timeout: float, **fields: str) -> Reply:
        form = {"cmd": command, "user": self._user, "api_key": self._key, **fields}
        left = min(self._timeout, timeout)
        answer = await exchange(self._wire, self.name, "POST", self._url, timeout=left, form=form)
        envelope = answer.json if isinstance(answer.json, dict) else {}
        status, message = text_of(envelope.get("status")).lower(), envelope.get("message")
        if answer.status == 200 and status == "ok" and message is not None:
            return Reply(True, message)
        if answer.status == 200 and status == "error" and (text := words_of(message, self._key, self._user)):
            return Reply(False, message, text)
        raise OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense")

    def granted(self, reply: Reply) -> Reply:
        """A reply that had to be ok. An error is a sure no, so asking did nothing."""
        if not reply.ok:
            raise NotSent(self.name, reply.text)
        return reply

    async def aclose(self) -> None:
        await self._wire.aclose()


def unfit(order: Order) -> Refused | None:
    """What cannot be asked for here at all."""
    if order.carrier and order.keep_carrier:
        return Refused(Reason.BAD_REQUEST, "cannot choose a carrier")
    if "," in order.service:
        # The provider would take it for several services and make bids of them.
        return Refused(Reason.NO_SUCH_SERVICE, "no service has a comma in its name")
    if order.renews and not order.number:
        return Refused(Reason.BAD_REQUEST, "only a known number can be had again")
    return None


def form_of(order: Order) -> dict[str, str]:
    """A merely preferred area is not sent: here that would rule out all the others."""
    if order.number:
        return {"service": order.service, "mdn": order.number}
    if order.area_codes and order.lock_area_codes:
        return {"service": order.service, "areacode": order.area_codes[0]}
    if order.state:
        return {"service": order.service, "state": order.state.upper()}
    return {"service": order.service}


def entries(message: object) -> Iterator[Mapping[str, object]]:
    """The entries of a message, be it a list of them, one alone, or a map of them."""
    if isinstance(message, dict):
        inner = list(message.values())
        message = inner if inner and all(isinstance(entry, dict) for entry in inner) else [message]
    if isinstance(message, list):
        yield from (entry for entry in message if isinstance(entry, dict))
