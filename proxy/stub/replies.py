"""What goes back over the wire: plain words, JSON, and one word for everything that can go wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy import errors
from proxy.domain.activation import Activation
from proxy.domain.money import Usd, print_usd

Headers = list[tuple[bytes, bytes]]

TEXT = (b"content-type", b"text/plain; charset=UTF-8")
JSON = (b"content-type", b"application/json; charset=utf-8")
LONGEST_REASON = 512


@dataclass(slots=True)
class Reply:
    """Words, or a value that is sent as JSON; a dialect may still change it."""

    words: str = ""
    value: Any = None
    status: int = 200
    extra: Headers = field(default_factory=list)
    bought: tuple[Activation, ...] = ()
    """What this reply tells the client that it owns now."""
    refused: BaseException | None = None
    """What went wrong, if this reply says so."""
    meaning: str = ""
    """Of the word for it."""

    def encode(self) -> tuple[Headers, bytes]:
        """Headers and body."""
        if self.value is None:
            kind, body = TEXT, self.words.encode()
        else:
            kind, body = JSON, json.dumps(self.value, ensure_ascii=False, separators=(",", ":")).encode()
        return [kind, (b"content-length", b"%d" % len(body)), *self.extra], body


def text(words: str) -> Reply:
    return Reply(words)


def as_json(value: Any) -> Reply:
    """`value` is a list or an object."""
    return Reply(value=value)


def number(amount: Usd) -> float:
    """An amount as a JSON number. Printing restores the decimal exactly: it has at most six places."""
    return float(print_usd(amount))


def purchase(reply: Reply, *bought: Activation) -> Reply:
    """The reply to a purchase, with what was paid and to whom."""
    reply.bought = bought
    reply.extra = [
        (b"x-price", print_usd(sum(activation.price for activation in bought)).encode()),
        (b"x-provider", bought[0].provider.encode()),
    ]
    return reply


@dataclass(frozen=True, slots=True)
class Refusal:
    """How an error is said in the protocol's words."""

    word: str
    meaning: str
    status: int = 200


REFUSALS: dict[type[BaseException], Refusal] = {
    errors.BadKey: Refusal("BAD_KEY", "there is no api_key, or it belongs to nobody"),
    errors.BadAction: Refusal("BAD_ACTION", "the protocol has no such action"),
    errors.BadService: Refusal("BAD_SERVICE", "no service has this code or name"),
    errors.BadStatus: Refusal("BAD_STATUS", "the status is unknown, or not possible now"),
    errors.WrongActivationId: Refusal("WRONG_ACTIVATION_ID", "the id is no number"),
    errors.NoActivation: Refusal("NO_ACTIVATION", "this client has no such activation"),
    errors.NoBalance: Refusal("NO_BALANCE", "the client's own budget does not cover it"),
    errors.WrongMaxPrice: Refusal("WRONG_MAX_PRICE", "the cheapest offer costs what stands behind the colon"),
    errors.ChannelsLimit: Refusal("CHANNELS_LIMIT", "the client has as many open activations as it may"),
    errors.TooManyRequests: Refusal("TOO_MANY_REQUESTS", "the client asks faster than its rate", 429),
    errors.EarlyCancel: Refusal("EARLY_CANCEL_DENIED", "the provider does not take the number back yet"),
    errors.RenewalImpossible: Refusal("RENEW_ACTIVATION_NOT_AVAILABLE", "the number cannot be bought again"),
    errors.WrongAdditionalService: Refusal("WRONG_ADDITIONAL_SERVICE", "the number cannot be had for this service"),
    errors.WrongExceptionPhone: Refusal("WRONG_EXCEPTION_PHONE", "phoneException is no list of prefixes"),
    errors.WrongDate: Refusal("WRONG_DATE", "the range ends before it begins, or is longer than 30 days"),
    errors.WrongService: Refusal("WRONG_SERVICE", "no service has this code or name"),
    errors.OrderExists: Refusal("ORDER_ALREADY_EXISTS", "the orderId was used for another request"),
    errors.NoNumbers: Refusal("NO_NUMBERS", "nothing is to be had now; the header X-Reason says why"),
    errors.ProviderError: Refusal("NO_NUMBERS", "a provider cannot be asked; the header X-Reason says why"),
    errors.StoreClosed: Refusal("ERROR_SQL", "the books cannot be written now"),
}
OUR_FAULT = Refusal("ERROR_SQL", "something went wrong in the gateway")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a family of actions says no; what is refused before the action is known is said plainly all the same."""

    words: Mapping[type[BaseException], Refusal] = field(default_factory=dict)
    """Where it has others than everybody."""
    in_json: bool = False
    """With the word in an object, and what stands in its way beside it."""

    def but(self, words: Mapping[type[BaseException], Refusal]) -> "Manner":
        """The same, with other words for these."""
        return Manner({**self.words, **words}, self.in_json)


PLAIN = Manner()


def refusal_for(kind: type[BaseException], manner: Manner = PLAIN) -> Refusal:
    """The refusal of the nearest ancestor that there is a word for."""
    found = (manner.words.get(ancestor) or REFUSALS.get(ancestor) for ancestor in kind.__mro__)
    return next((refusal for refusal in found if refusal), OUR_FAULT)


def refuse(error: BaseException, manner: Manner = PLAIN) -> Reply:
    """The reply that says what went wrong, with the reason in a header where the word alone does not tell."""
    refusal = refusal_for(type(error), manner)
    # Without its traceback, whose frames hold the reply: that would be a circle for the garbage collector to find.
    error = error.with_traceback(None)
    reply = Reply(refusal.word, status=refusal.status, refused=error, meaning=refusal.meaning)
    if isinstance(error, errors.WrongMaxPrice):
        reply.words += f":{print_usd(error.least)}"
    if manner.in_json:
        reply.value = {"status": "error", "message": reply.words} | with_info(error)
    if isinstance(error, errors.TooManyRequests):
        reply.extra.append((b"retry-after", b"%d" % error.retry_after))
    if isinstance(error, errors.GatewayError) and str(error):
        reply.extra.append((b"x-reason", header_text(str(error))))
    return reply


def with_info(error: BaseException) -> dict[str, Any]:
    """What stands beside a refusal that is told in JSON; nothing where the word says it all."""
    return {"info": {"min": number(error.least)}} if isinstance(error, errors.WrongMaxPrice) else {}


def header_text(words: str) -> bytes:
    """Words of any origin as a header value: one line of printable ASCII."""
    line = " ".join(words.split())[:LONGEST_REASON]
    return bytes(c for c in line.encode("ascii", "replace") if 32 <= c < 127)
