"""The end of a soak: what the books, the providers and the clients say of the same things."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from proxy.domain.money import Usd, parse_usd
from proxy.sandbox import Message, Phase, Rental
from tests.soak.town import BUDGET, OPENING, Town

Row = dict[str, Any]
REFUNDED = (Phase.CANCELLED, Phase.EXPIRED)


@dataclass
class Books:
    """As an operator has them, newest first."""

    activations: list[Row]
    attempts: list[Row]
    ledger: list[Row]
    webhooks: list[Row]

    def outcomes(self, *wanted: str) -> list[Row]:
        return [row for row in self.attempts if row["outcome"] in wanted]

    def total(self, kind: str, **of: str) -> Usd:
        rows = (row for row in self.ledger if row["kind"] == kind and all(row[name] == is_ for name, is_ in of.items()))
        return sum(parse_usd(row["amount"]) for row in rows)


class Reckoning:
    """Every method gives what is wrong, in words; nothing if all is well."""

    def __init__(self, town: Town, books: Books) -> None:
        self._town = town
        self._books = books
        self._rentals = {
            (kind, str(rental.id)): rental for kind, box in town.boxes.items() for rental in list(box.rentals)
        }
        self._of = {(row["provider"], row["upstream_id"]): row for row in books.activations}

    def everything(self) -> list[str]:
        checks = (self.rentals, self.prices, self.clients, self.providers, self.messages, self.told, self.webhooks)
        return [f"{check.__name__}: {complaint}" for check in checks for complaint in check()]

    def rentals(self) -> Iterator[str]:
        """Every rental is an activation, or may come from an attempt that an operator can see."""
        books = self._books
        if buying := books.outcomes("buying"):
            yield f"attempts are still buying: {[row['id'] for row in buying]}"
        if len(self._of) < len(books.activations):
            yield "a rental was booked twice"
        if len(books.outcomes("bought", "recovered")) != len(books.activations):
            yield "bought attempts and activations differ"
        for key, row in self._of.items():
            rental = self._rentals.get(key)
            if rental is None or row["phone"] != f"1{rental.number}":
                yield f"activation {row['id']} has no rental"
        strays = Counter(provider for provider, _ in self._rentals.keys() - self._of.keys())
        seen = Counter(row["provider"] for row in books.outcomes("unknown", "abandoned"))
        for provider in strays - seen:
            yield f"{provider} has {strays[provider]} rentals that only {seen[provider]} attempts can account for"

    def prices(self) -> Iterator[str]:
        """The books charge what the provider took, and have back what it gave back."""
        for row, rental in self._pairs():
            taken, back = parse_usd(row["cost"]), parse_usd(row["refunded"])
            if taken != rental.price:
                yield f"activation {row['id']} cost {rental.price}, not {taken}"
            if back != (rental.price if rental.phase in REFUNDED else 0):
                yield f"activation {row['id']} ({row['status']}) has {back} back, its rental is {rental.phase}"

    def clients(self) -> Iterator[str]:
        """Holds that are not released belong to unknown attempts; a budget was never exceeded."""
        books = self._books
        for client in {row["client"] for row in books.attempts}:
            held = books.total("hold", client=client) - books.total("release", client=client)
            unknown = sum(parse_usd(row["hold"]) for row in books.outcomes("unknown") if row["client"] == client)
            if held != unknown:
                yield f"{held} is held for {client}, and {unknown} of it for unknown attempts"
            spent = books.total("charge", client=client) - books.total("refund", client=client)
            mine = [row for row in books.activations if row["client"] == client]
            costs = sum(parse_usd(row["cost"]) - parse_usd(row["refunded"]) for row in mine)
            if spent != costs:
                yield f"the ledger has {spent} spent by {client}, its activations {costs}"
            if client == "thrifty" and spent + held > BUDGET:
                yield f"{client} was to spend {BUDGET} and spent {spent} with {held} held"

    def providers(self) -> Iterator[str]:
        """What is missing from an account is in the books, or was paid for rentals that nobody could be told of."""
        strays: defaultdict[str, Usd] = defaultdict(int)
        for key in self._rentals.keys() - self._of.keys():
            strays[key[0]] += 0 if self._rentals[key].phase in REFUNDED else self._rentals[key].price
        for name, box in self._town.boxes.items():
            booked = self._books.total("charge", provider=name) - self._books.total("refund", provider=name)
            missing = OPENING - box.account.balance
            if missing != booked + strays[name]:
                yield f"{missing} is gone from {name}: {booked} is in the books, {strays[name]} in strays"

    def messages(self) -> Iterator[str]:
        """Every SMS that came in time is in the books once, and nothing else is."""
        for row, rental in self._pairs():
            kept, sent = [message["code"] for message in row["messages"]], list(rental.messages)
            for code in kept:
                found = next((message for message in sent if _is(code, message)), None)
                if found is None:
                    yield f"activation {row['id']} has {code}, which did not come, or not so often"
                else:
                    sent.remove(found)
            # A provider may tell of the newest SMS alone; and who has finished is shown nothing more.
            newest = rental.messages[-1:]
            if newest and newest[0] in sent and row["id"] not in self._town.finished:
                yield f"activation {row['id']} ({row['status']}) was never shown {newest[0].code}"

    def told(self) -> Iterator[str]:
        """What clients were told is what stands in the books."""
        rows = {row["id"]: row for row in self._books.activations}
        for id, phone in self._town.phones.items():
            if id not in rows or rows[id]["phone"] != phone:
                yield f"a client was told {id}, {phone}, which the books do not know"
        for id, codes in self._town.codes.items():
            kept = [message["code"] for message in rows[id]["messages"]]
            if not set(codes) <= set(kept) or len(set(codes)) < len(codes):
                yield f"polls of {id} showed {codes}, the books have {kept}"

    def webhooks(self) -> Iterator[str]:
        """Every message of the client with a webhook was pushed, and none twice under two names."""
        pushes = {(post.told["activationId"], post.headers["x-delivery-id"]) for post in self._town.receiver.posts}
        pushed = Counter(id for id, _ in pushes)
        given_up = Counter(row["activation_id"] for row in self._books.webhooks if row["state"] != "delivered")
        for row in self._books.activations:
            wanted = len(row["messages"]) if row["client"] == "told" and row["status"] == "finished" else 0
            if not wanted - given_up[row["id"]] <= pushed[row["id"]] <= len(row["messages"]):
                yield f"activation {row['id']} has {len(row['messages'])} messages, and {pushed[row['id']]} were pushed"

    def _pairs(self) -> Iterator[tuple[Row, Rental]]:
        for key, row in self._of.items():
            if key in self._rentals:
                yield row, self._rentals[key]


def _is(shown: str, message: Message) -> bool:
    """Whether a client was shown this message: by its code, or by its text where no code was recognised in it."""
    return shown in (message.code, message.pin, message.text) or message.code in shown
