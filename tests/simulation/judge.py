"""The promises, asked after every step and once more when all has come to rest."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from proxy.domain.money import parse_usd
from proxy.sandbox import Phase, Rental
from tests.simulation.places import GIVEN_BACK, LIFETIME, PURSE, Request, Supplier
from tests.simulation.world import World

BUDGETS = {"ann": parse_usd("4.00"), "bob": parse_usd("3.00")}
SPENDS = {"hold": 1, "release": -1, "charge": 1, "refund": -1}
SETTLED = {"bought", "refused", "recovered", "abandoned"}
SEEN_OPEN = {"waiting", "received", "waiting_again"}
CLOSED = {"finished", "cancelled", "expired"}
KEPT_FOR = min(120.0, LIFETIME) - 1
"""Seconds in which what nobody heard of is given to the next equal request: two minutes, or while it is open."""


class Books:
    """What stands in the database now."""

    def __init__(self, world: World) -> None:
        self.activations = {
            (row["provider"], row["upstream_id"]): row
            for row in _table(
                world,
                "activations",
                "id client provider upstream_id upstream_service phone price refunded status"
                " created_at attempt_id code",
            )
        }
        self.attempts = {
            row["id"]: row
            for row in _table(world, "attempts", "id client provider upstream_service hold outcome activation_id")
        }
        self.ledger = _table(world, "ledger", "client provider activation_id attempt_id kind amount")
        self.spending = world.rows("SELECT client, day, amount FROM spending")
        self.accounts = dict(world.rows("SELECT provider, booked FROM accounts"))
        self.by_id = {row["id"]: row for row in self.activations.values()}


def _table(world: World, name: str, columns: str) -> list[dict[str, Any]]:
    names = columns.split()
    return [
        dict(zip(names, row, strict=True)) for row in world.rows(f"SELECT {', '.join(names)} FROM {name} ORDER BY id")
    ]


def check(world: World) -> None:
    """After any step, whatever is still going on."""
    books = Books(world)
    for judge in (rentals_are_known, one_purchase_each, money_adds_up, refunds_are_true, told_is_kept, orders_are_one):
        for complaint in judge(world, books):
            world.wrong(complaint)


def check_at_rest(world: World) -> None:
    """When nothing is wrong any more and every rental has ended."""
    check(world)
    books = Books(world)
    for judge in (books_equal_accounts, nothing_is_open, owed_is_given):
        for complaint in judge(world, books):
            world.wrong(complaint)


def rentals_are_known(world: World, books: Books) -> Iterator[str]:
    """Every rental is exactly one activation, its buyer's, or belongs to an attempt that the operator sees."""
    unsettled = Counter(
        (row["client"], row["provider"], row["upstream_service"])
        for row in books.attempts.values()
        if row["outcome"] in ("buying", "unknown", "abandoned")
    )
    strays: Counter[tuple[str, str, str]] = Counter()
    for supplier in world.suppliers.values():
        for rental in supplier.rentals:
            buyer = world.client_of(supplier.sales[rental.id])
            row = books.activations.get((supplier.name, str(rental.id)))
            if row is None:
                if rental.phase not in GIVEN_BACK:
                    strays[buyer, supplier.name, rental.service.api_name] += 1
                continue
            if row["client"] != buyer:
                yield f"rental {rental.id} of {supplier.name} was bought for {buyer} and given to {row['client']}"
            bought = (row["upstream_service"], row["phone"])
            if bought != (rental.service.api_name, f"1{rental.number}"):
                yield f"activation {row['id']} is {bought}, its rental {rental.service.api_name, rental.number}"
    for whose, count in strays.items():
        if count > unsettled[whose]:
            yield f"{count} rentals of {whose} are no activations, and {unsettled[whose]} attempts are unsettled"


def one_purchase_each(world: World, books: Books) -> Iterator[str]:
    """One request, at most one purchase; where the rule allows to go on after an unknown one, one at each provider."""
    made: defaultdict[int, list[tuple[str, Rental]]] = defaultdict(list)
    for supplier in world.suppliers.values():
        for rental in supplier.rentals:
            if rental.phase is not Phase.CANCELLED:
                made[supplier.sales[rental.id]].append((supplier.name, rental))
    for number, sold in made.items():
        request = world.requests[number]
        wanted = 2 if request.params["action"] == "getMultiServiceNumber" else 1
        most = Counter(name for name, _ in sold)
        if max(most.values()) > wanted or (len(most) > 1 and request.client != "bob"):
            yield f"request {number} has bought {[(name, rental.id) for name, rental in sold]}"


def money_adds_up(world: World, books: Books) -> Iterator[str]:
    by_attempt: defaultdict[int, Counter[str]] = defaultdict(Counter)
    sums: Counter[str] = Counter()
    for entry in books.ledger:
        by_attempt[entry["attempt_id"]][entry["kind"]] += 1
        sums[entry["client"]] += SPENDS[entry["kind"]] * entry["amount"]
        wanted = books.attempts[entry["attempt_id"]]["hold"]
        if entry["kind"] in ("hold", "release") and entry["amount"] != wanted:
            yield f"{entry} where {wanted} is held"
        if entry["kind"] in ("charge", "refund") and entry["amount"] != books.by_id[entry["activation_id"]]["price"]:
            yield f"{entry} is not the price"
    for id, attempt in books.attempts.items():
        found, settled = by_attempt[id], attempt["outcome"] in SETTLED
        bought = attempt["outcome"] in ("bought", "recovered")
        if (found["hold"], found["release"], found["charge"]) != (1, int(settled), int(bought)):
            yield f"attempt {id} is {attempt['outcome']} with {dict(found)}"
        if bought != (attempt["activation_id"] is not None):
            yield f"attempt {id} is {attempt['outcome']} and has activation {attempt['activation_id']}"
    spent: Counter[str] = Counter()
    for client, _, amount in books.spending:
        spent[client] += amount
    if +spent != +sums:
        yield f"spending says {dict(spent)}, the ledger {dict(sums)}"
    yield from budgets_hold(books)


def budgets_hold(books: Books) -> Iterator[str]:
    dearer = {
        row["client"] for row in books.activations.values() if row["price"] > books.attempts[row["attempt_id"]]["hold"]
    }
    spent: Counter[tuple[str, str]] = Counter()
    for client, day, amount in books.spending:
        spent[client, day if client == "ann" else ""] += amount
    for (client, day), amount in spent.items():
        if amount > BUDGETS.get(client, PURSE * 100) and client not in dearer:
            yield f"{client} has spent {amount} on {day or 'all days'}, its budget is {BUDGETS[client]}"


def refunds_are_true(world: World, books: Books) -> Iterator[str]:
    """Booked once, and not before the provider gave the money back."""
    refunds = Counter(entry["activation_id"] for entry in books.ledger if entry["kind"] == "refund")
    for supplier in world.suppliers.values():
        phases = {str(rental.id): rental.phase for rental in supplier.rentals}
        for (name, upstream_id), row in books.activations.items():
            if name != supplier.name:
                continue
            times = refunds[row["id"]]
            if times > 1 or (times and phases[upstream_id] not in GIVEN_BACK):
                yield f"activation {row['id']} was refunded {times} times, its rental is {phases[upstream_id]}"
            if bool(row["refunded"]) != bool(times):
                yield f"activation {row['id']} says refunded {row['refunded']}, the ledger {times} times"


def told_is_kept(world: World, books: Books) -> Iterator[str]:
    """Answered means durable; what is shown was really sent to that very number."""
    codes = codes_by_rental(world)
    owners = {id: r.client for r in world.requests.values() for id in r.told}
    for id, memory in world.memory.items():
        row = books.by_id.get(id)
        if row is None:
            if id in owners:
                yield f"activation {id} was told to {owners[id]} and is gone"
            continue
        if owners.get(id, row["client"]) != row["client"]:
            yield f"activation {id} of {row['client']} was told to {owners[id]}"
        strange = memory.shown - codes[row["provider"], row["upstream_id"]].keys()
        if strange:
            yield f"activation {id} showed {strange}, which never came to its number"
        if memory.promise == "ACCESS_ACTIVATION" and row["status"] != "finished":
            yield f"activation {id} was finished and is {row['status']}"
        if memory.promise == "ACCESS_CANCEL" and row["status"] == "waiting":
            yield f"activation {id} was cancelled and is waiting"


def codes_by_rental(world: World) -> dict[tuple[str, str], dict[str, float]]:
    return {
        (supplier.name, str(rental.id)): {sms.code: sms.at for sms in rental.messages}
        for supplier in world.suppliers.values()
        for rental in supplier.rentals
    }


def orders_are_one(world: World, books: Books) -> Iterator[str]:
    """One idempotency key, one purchase, the same answer byte for byte. Told twice without a key is sold twice."""
    answers: dict[tuple[str, str], Request] = {}
    told: dict[int, Request] = {}
    for request in world.requests.values():
        if request.order and request.told:
            first = answers.setdefault((request.client, request.order), request)
            if first.words != request.words:
                yield f"order {request.order} was answered {first.words} to #{first.number} and {request.words}"
        for id in request.told:
            first = told.setdefault(id, request)
            if first is not request and not request.order and not _crashed_after(world, first):
                yield f"activation {id} was given to request {first.number} and to request {request.number}"


def _crashed_after(world: World, request: Request) -> bool:
    """Whether the note that its answer was delivered may have been lost."""
    assert request.ended is not None
    return any(-0.01 < at - request.ended < 1.0 for at in world.machine.crashes)


def owed_is_given(world: World, books: Books) -> Iterator[str]:
    """What was bought for an answer that reached nobody goes to the next equal request, which then buys nothing."""
    told = {id for request in world.requests.values() for id in request.told}
    buyers = {number for supplier in world.suppliers.values() for number in supplier.sales.values() if number}
    for later in world.requests.values():
        if later.number not in buyers or later.params["action"] == "getMultiServiceNumber":
            continue
        for row in _owed_before(world, books, later):
            if row["id"] not in told and row["status"] not in CLOSED - {"expired"}:
                yield f"request {later.number} has bought anew while activation {row['id']} was waiting for it"


def _owed_before(world: World, books: Books, later: Request) -> Iterator[dict[str, Any]]:
    """Activations that an equal request had bought and nobody had heard of when this one came."""
    others = [r for r in world.requests.values() if r is not later and r.equals(later)]
    if any(r.started <= (later.ended or 0) and later.started <= (r.ended or 0) for r in others):
        return
    earlier = {r.number for r in others if r.is_lost and (r.ended or 0) < later.started}
    for supplier in world.suppliers.values():
        for id, number in supplier.sales.items():
            row = books.activations.get((supplier.name, str(id)))
            if number in earlier and row and row["created_at"] < later.started <= row["created_at"] + KEPT_FOR:
                yield row


# At rest


def books_equal_accounts(world: World, books: Books) -> Iterator[str]:
    """What a provider really took is what the books say, but for purchases whose outcome was never known."""
    recovered = {row["activation_id"] for row in books.attempts.values() if row["outcome"] == "recovered"}
    for supplier in world.suppliers.values():
        lost = PURSE - supplier.stand.account.balance
        for rental in supplier.rentals:
            row = books.activations.get((supplier.name, str(rental.id)))
            given_back = rental.phase in GIVEN_BACK
            if row is None:
                lost -= 0 if given_back else rental.price
                continue
            if row["id"] in recovered and world.repriced:
                lost += row["price"] * (not given_back) - rental.price * (not given_back)
            elif row["price"] != rental.price:
                yield f"activation {row['id']} cost {row['price']}, its rental {rental.price}"
            if given_back != bool(row["refunded"]):
                yield f"activation {row['id']} is refunded {row['refunded']}, its rental {rental.phase}"
        if lost != books.accounts.get(supplier.name, 0):
            yield f"{supplier.name} took {lost}, the books say {books.accounts.get(supplier.name)}"


def nothing_is_open(world: World, books: Books) -> Iterator[str]:
    for row in books.activations.values():
        if row["status"] not in CLOSED:
            yield f"activation {row['id']} is still {row['status']} though its rental is over"


def judge_codes(world: World, id: int, answer: Request) -> None:
    """What getAllSms showed of an activation at rest: every code that had to come, each once."""
    row = Books(world).by_id[id]
    supplier = world.suppliers[row["provider"]]
    rental = supplier.stand.account.rentals[int(row["upstream_id"])]
    shown = [one["code"] for one in json.loads(answer.words or "{}").get("data", [])]
    if len(set(shown)) != len(shown):
        world.wrong(f"activation {id} shows a code twice: {shown}")
    if strange := set(shown) - {sms.code for sms in rental.messages}:
        world.wrong(f"activation {id} shows {strange}, which never came to its number")
    # Answered or not: who has said that it is done with a number waits for no more SMS.
    wish = {"action": "setStatus", "id": str(id), "status": "6"}
    finished = any(r.params == wish and r.words in (None, "ACCESS_ACTIVATION") for r in world.requests.values())
    missing = [code for code in due_codes(supplier, rental) if code not in shown]
    if missing and not finished:
        world.wrong(f"activation {id} never showed {missing}, only {shown}")


def due_codes(supplier: Supplier, rental: Rental) -> list[str]:
    """getatext shows nothing but the newest SMS of a rental: one that was overtaken may have been seen by nobody."""
    codes = [sms.code for sms in rental.messages]
    return codes[-1:] if supplier.name == "getatext" else codes
