"""What was: money left, activations past."""

from proxy.domain.money import print_usd
from proxy.errors import WrongDate
from proxy.stub import params
from proxy.stub.actions.common import ACTIONS, STATUS_NUMBERS, USD_CODE, clock_time
from proxy.stub.registry import Call
from proxy.stub.replies import Reply, as_json, number, text

LONGEST_HISTORY = 30 * 86_400
"""Seconds between the two ends of a getHistory."""


@ACTIONS.action("getBalance", example="ACCESS_BALANCE:25.00", section="3")
@ACTIONS.action("getBalanceAndCashBack", example="ACCESS_BALANCE:25.00", section="3")
async def get_balance(call: Call) -> Reply:
    """What this client may still spend, in US dollars.

    It is the smaller of the client's own budget and what the providers' accounts hold together; there is no cashback.
    """
    return text(f"ACCESS_BALANCE:{print_usd(await call.gateway.spendable(call.client))}")


@ACTIONS.action("getBalanceAndCashBackV2", example='{"balance":25.0,"cashback":0}', section="3")
async def get_balance_v2(call: Call) -> Reply:
    """What this client may still spend; there is no cashback here."""
    return as_json({"balance": number(await call.gateway.spendable(call.client)), "cashback": 0})


@ACTIONS.action(
    "getHistory", params.FROM, params.UNTIL, params.OFFSET, params.LIMIT, refusals=(WrongDate,), section="3",
    example='[{"id":"12","date":"2026-01-01 12:00:00","phone":"12025550123","sms":["123456"],"cost":0.5,'
    '"status":"6","currency":840}]',
)  # fmt: skip
async def get_history(call: Call, start: int | None, end: int | None, offset: int, limit: int) -> Reply:
    """Activations that were bought between two times, newest first.

    Ids are text: one library insists on it and none minds.
    """
    until = call.gateway.clock.now() if end is None else end
    since = until - LONGEST_HISTORY if start is None else start
    if not 0 <= until - since <= LONGEST_HISTORY:
        raise WrongDate
    read = call.gateway.store.read
    past = await read.bought_by(call.client.name, since=since, until=until, offset=offset, limit=limit)
    messages = await read.messages([activation.id for activation in past])
    return as_json(
        [
            {
                "id": str(activation.id),
                "date": clock_time(activation.created_at),
                "phone": activation.phone,
                "sms": [message["code"] for message in messages[activation.id]],
                "cost": number(activation.price) if activation.code else 0,
                "status": STATUS_NUMBERS[activation.status],
                "currency": USD_CODE,
            }
            for activation in past
        ]
    )
