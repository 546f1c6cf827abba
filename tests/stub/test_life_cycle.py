"""The life of activations as the protocol tells it: whatever clients do in whatever order, a model says the replies."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.stage import KEY, OTHER_KEY, Stage
from tests.stub.elsewhere import There, gateway

DECISIONS = [1, 3, 6, 8, -1]
CLIENTS = [KEY, OTHER_KEY]
SELLERS = {"go": "getatext", "wa": "getsms"}
SEVERAL = {"go"}
"""Where several SMS may come."""
TOKENS = {seller: f"token-of-{seller}" for seller in SELLERS.values()}
READY, RETRY, DONE, CANCELLED = "ACCESS_READY", "ACCESS_RETRY_GET", "ACCESS_ACTIVATION", "ACCESS_CANCEL"
GRANTED: dict[str, dict[int, tuple[str, str]]] = {  # status: what is asked: the reply, and the status after it
    "waiting": {1: (READY, "waiting"), 8: (CANCELLED, "cancelled"), -1: (CANCELLED, "cancelled")},
    "received": {1: (READY, "received"), 3: (RETRY, "again"), 6: (DONE, "finished")},
    "again": {1: (READY, "again"), 3: (RETRY, "again"), 6: (DONE, "finished")},
    "finished": {6: (DONE, "finished")},
    "cancelled": {8: (CANCELLED, "cancelled"), -1: (CANCELLED, "cancelled")},
}
"""Everything else is BAD_STATUS."""
IN_LISTS = {"waiting": "4", "received": "2", "again": "3"}
WAYS = [(), ("code",), ("code", "3"), ("code", "3", "code"), ("code", "6"), ("8",)]
"""To every status: a life that begins in one explores what may follow it."""
ABOUT_ONE = ["getStatus", "getStatusV2", "getFullSms", "getAllSms", "setStatus", "checkExtraActivation"]
MOST = 3
"""Numbers in one life: few, so that much happens to each."""
codes = count(100_001)
orders = count(1)


@dataclass(slots=True)
class Number:
    """What the protocol says that an activation is."""

    id: int
    phone: str
    owner: str
    service: str
    order: str
    status: str = "waiting"
    codes: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The newest that came before the end."""
        return self.codes[-1]

    @property
    def told(self) -> str:
        """What getStatus says."""
        match self.status:
            case "waiting":
                return "STATUS_WAIT_CODE"
            case "again":
                return f"STATUS_WAIT_RETRY:{self.code}"
            case "cancelled":
                return "STATUS_CANCEL"
        return f"STATUS_OK:{self.code}"

    def decide(self, asked: int) -> str:
        """What setStatus says."""
        if asked == 3 and self.service not in SEVERAL:
            return "BAD_STATUS"
        words, self.status = GRANTED[self.status].get(asked, ("BAD_STATUS", self.status))
        return words


class LifeCycle(RuleBasedStateMachine):
    numbers = Bundle("numbers")

    def __init__(self, it: Stage, there: There) -> None:
        super().__init__()
        self.it, self.there = it, there
        self.bought: list[Number] = []

    def ask(self, action: str, api_key: str, **params: object) -> str:
        return self.there(self.it.ask(action, api_key=api_key, **params))

    def buy(self, owner: str, service: str, order: str) -> str:
        return self.ask("getNumber", owner, service=service, providerIds=SELLERS[service], orderId=order)

    @initialize(target=numbers, owner=st.sampled_from(CLIENTS), way=st.sampled_from(WAYS))
    def a_life_begins_somewhere(self, owner: str, way: tuple[str, ...]) -> Number:
        number = self.a_number_is_bought(owner, "go")
        for step in way:
            if step == "code":
                self.a_code_arrives(number)
            else:
                self.the_owner_decides(number, int(step))
        return number

    @precondition(lambda self: len(self.bought) < MOST)
    @rule(target=numbers, owner=st.sampled_from(CLIENTS), service=st.sampled_from(sorted(SELLERS)))
    def a_number_is_bought(self, owner: str, service: str) -> Number:
        order = f"order {next(orders)}"
        word, id, phone = self.buy(owner, service, order).split(":")
        assert word == "ACCESS_NUMBER"
        self.bought.append(Number(int(id), phone, owner, service, order))
        return self.bought[-1]

    @rule(number=numbers)
    def the_same_order_comes_again(self, number: Number):
        assert self.buy(number.owner, number.service, number.order) == f"ACCESS_NUMBER:{number.id}:{number.phone}"

    @rule(number=numbers)
    def a_code_arrives(self, number: Number):
        self.there(self.push(number, code := str(next(codes))))
        if number.status in IN_LISTS:
            number.status = "received"
            number.codes.append(code)
        self.poll(number)

    async def push(self, number: Number, code: str) -> None:
        """The provider's webhook, with the code as a word: then it is booked before the answer."""
        seller = SELLERS[number.service]
        sandbox = getattr(self.it, seller)
        rental = self.it.rental(sandbox, number.phone)
        (fields,) = dict(sandbox.webhook(rental, sandbox.deliver(rental.id, code=code))).values()
        how = {"json": fields | {"code": code}} if seller == "getatext" else {"data": fields}
        reply = await self.it.web.post(f"{self.it.root}/webhooks/{seller}/{TOKENS[seller]}", **how)
        assert reply.status_code == 200

    @rule(number=numbers, asked=st.sampled_from(DECISIONS))
    def the_owner_decides(self, number: Number, asked: int):
        expected = number.decide(asked)
        assert self.ask("setStatus", number.owner, id=number.id, status=asked) == expected
        self.poll(number)

    @rule(number=numbers)
    def another_sms_is_asked_for(self, number: Number):
        self.the_owner_decides(number, 3)

    @rule(number=numbers, action=st.sampled_from(ABOUT_ONE), status=st.sampled_from(DECISIONS))
    def a_stranger_asks(self, number: Number, action: str, status: int):
        stranger = next(key for key in CLIENTS if key != number.owner)
        assert self.ask(action, stranger, id=number.id, activationId=number.id, status=status) == "NO_ACTIVATION"
        self.poll(number)

    def poll(self, number: Number) -> None:
        assert self.ask("getStatus", number.owner, id=number.id) == number.told

    @rule(number=numbers)
    def the_owner_reads_the_newest_sms(self, number: Number):
        long, whole = (self.ask(action, number.owner, id=number.id) for action in ("getStatusV2", "getFullSms"))
        if number.told == "STATUS_CANCEL":
            assert (long, whole) == (number.told, number.told)
        elif number.told.startswith("STATUS_OK"):
            assert json.loads(long)["sms"]["code"] == number.code
            assert whole.startswith("FULL_SMS:")
        else:
            assert (json.loads(long)["sms"], whole) == (None, "STATUS_WAIT_CODE")

    @rule(number=numbers)
    def the_owner_reads_every_sms(self, number: Number):
        if number.status in IN_LISTS:
            listed = json.loads(self.ask("getAllSms", number.owner, id=number.id))["data"]
            assert [sms["code"] for sms in listed] == number.codes

    @rule(number=numbers)
    def the_owner_lists_what_is_open(self, number: Number):
        own = [other for other in self.bought if other.owner == number.owner]
        listed = json.loads(self.ask("getActiveActivations", number.owner)).get("data", [])
        expected = {str(one.id): IN_LISTS[one.status] for one in own if one.status in IN_LISTS}
        assert {entry["activationId"]: entry["activationStatus"] for entry in listed} == expected

    def teardown(self) -> None:
        """Nothing stays open for the next life; none is given back for that, which providers allow once a second."""
        for number in self.bought:
            if number.status == "waiting":
                self.there(self.push(number, str(next(codes))))
            if number.status in IN_LISTS:
                self.ask("setStatus", number.owner, id=number.id, status=6)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, There]]:
    extras = {f"{seller}_extra": f"webhook_token: {token}" for seller, token in TOKENS.items()}
    extras["getatext_extra"] += "\n    tier: premium"  # the standard one sells two numbers a second
    with gateway(tmp_path_factory.mktemp("house"), poll=60, **extras) as house:
        yield house


def test_the_replies_are_those_of_the_documented_life_cycle(house: tuple[Stage, There]):
    run_state_machine_as_test(
        lambda: LifeCycle(*house),
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
