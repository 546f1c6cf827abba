"""What becomes of a number: has the code come, and what was decided."""

from typing import Any

from proxy.catalog.countries import COUNTRIES
from proxy.domain.activation import SEEN_OPEN, Activation, Status
from proxy.errors import BadStatus, EarlyCancel, NoActivation, WrongActivationId
from proxy.gateway import rentals
from proxy.store.reads import Row
from proxy.stub import params
from proxy.stub.actions.common import ACTIONS, OVER, STATUS_NUMBERS, USD_CODE, clock_time, status_words
from proxy.stub.registry import Call
from proxy.stub.replies import Reply, as_json, number, text

AN_ACTIVATION = (WrongActivationId, NoActivation)
"""What every action that names an activation may refuse."""


@ACTIONS.action(
    "getStatus", params.ID, refusals=AN_ACTIVATION, example="STATUS_OK:123456", section="2.2", at_once=status_words
)
async def get_status(call: Call, id: int) -> Reply:
    """Whether the code has come.

    A finished activation keeps answering with its code, where the original said STATUS_CANCEL: a poll that comes late
    must not look like a failure. STATUS_WAIT_RESEND is never said, because many tools do not know it.
    """
    return text(status_words(await rentals.find(call.gateway, call.client.name, id)))


@ACTIONS.action(
    "getStatusV2", params.ID, refusals=AN_ACTIVATION, section="2.3",
    example='{"verificationType":0,"sms":{"dateTime":"2026-01-01 12:00:00","code":"123456","text":"..."},"call":null}',
)  # fmt: skip
async def get_status_v2(call: Call, id: int) -> Reply:
    """Whether the code has come, with the whole SMS.

    While nothing has come, `sms` is null; the original's waiting reply was never documented. Calls are not offered.
    """
    activation = await rentals.find(call.gateway, call.client.name, id)
    words = status_words(activation)
    if words == OVER:
        return text(words)
    sms = None
    if words.startswith("STATUS_OK"):
        last = await _newest_sms(call, activation)
        sms = {"dateTime": clock_time(last["received_at"]), "code": activation.code, "text": last["text"]}
    return as_json({"verificationType": 0, "sms": sms, "call": None})


async def _newest_sms(call: Call, activation: Activation) -> Row:
    """The message that the activation's code is from; one that came after the end is not."""
    messages = (await call.gateway.store.read.messages([activation.id]))[activation.id]
    return next(message for message in reversed(messages) if message["code"] == activation.code)


@ACTIONS.action("getFullSms", params.ID, refusals=AN_ACTIVATION, example="FULL_SMS:Your code is 123456", section="3")
async def get_full_sms(call: Call, id: int) -> Reply:
    """The whole text of the newest SMS."""
    activation = await rentals.find(call.gateway, call.client.name, id)
    words = status_words(activation)
    if not words.startswith("STATUS_OK"):
        return text("STATUS_WAIT_CODE" if activation.status in SEEN_OPEN else OVER)
    last = await _newest_sms(call, activation)
    return text(f"FULL_SMS:{last['text'] or last['code']}")


@ACTIONS.action(
    "getAllSms", params.ID, params.SIZE, params.PAGE, refusals=AN_ACTIVATION, section="3",
    example='{"data":[{"id":1,"phoneFrom":"WhatsApp","code":"123456","text":"...","service":"wa",'
    '"date":"2026-01-01 12:00:00","type":"sms"}],"meta":{"total":1,"service":"wa"}}',
)  # fmt: skip
async def get_all_sms(call: Call, id: int, size: int, page: int) -> Reply:
    """Every SMS of an activation, oldest first.

    Known from HeroSMS; the original did not have it.
    """
    activation = await rentals.find(call.gateway, call.client.name, id)
    messages = (await call.gateway.store.read.messages([id]))[id]
    listed = [
        {
            "id": place,
            "phoneFrom": message["sender"],
            "code": message["code"],
            "text": message["text"] or message["code"],
            "service": activation.service,
            "date": clock_time(message["received_at"]),
            "type": "sms",
        }
        for place, message in enumerate(messages, start=1)
    ]
    shown = listed[(page - 1) * size : page * size]
    return as_json({"data": shown, "meta": {"total": len(messages), "service": activation.service}})


@ACTIONS.action(
    "setStatus", params.ID, params.STATUS, example="ACCESS_CANCEL", section="2.1",
    refusals=(*AN_ACTIVATION, BadStatus, EarlyCancel),
)  # fmt: skip
async def set_status(call: Call, id: int, status: int) -> Reply:
    """Tell what was decided: 1 ready, 3 another SMS, 6 finish, 8 or -1 cancel.

    How early is too early for a cancel is the provider's word, not a fixed two minutes. When the provider cannot be
    reached, the wish is kept and carried out later, and the answer is ACCESS_CANCEL at once.
    """
    activation = await rentals.find(call.gateway, call.client.name, id)
    match status:
        case 1 if activation.status in SEEN_OPEN:
            return text("ACCESS_READY")
        case 3:
            await rentals.ask_again(call.gateway, activation)
            return text("ACCESS_RETRY_GET")
        case 6:
            await rentals.finish(call.gateway, activation)
            return text("ACCESS_ACTIVATION")
        case 8 | -1:
            await rentals.cancel(call.gateway, activation)
            return text("ACCESS_CANCEL")
    raise BadStatus


async def _open_now(call: Call) -> list[tuple[Activation, list[Row]]]:
    """What the client sees as open, oldest first, with the messages of each."""
    mine = call.gateway.store.live.of_client(call.client.name)
    found = [a for a in mine if a.status in SEEN_OPEN and not a.hours]
    messages = await call.gateway.store.read.messages([a.id for a in found if a.code])
    return [(activation, messages.get(activation.id, [])) for activation in found]


@ACTIONS.action(
    "getActiveActivations", section="3",
    example='{"status":"success","activeActivations":[{"activationId":"12","serviceCode":"wa","phoneNumber":"12025550123",'
    '"activationCost":0.5,"activationStatus":"2","smsCode":["123456"],"smsText":"Your code is 123456",'
    '"activationTime":"2026-01-01 12:00:00","discount":"0.00","repeated":"0","countryCode":"187","countryName":"USA",'
    '"canGetAnotherSms":"0","currency":840}],"data":[]}',
)  # fmt: skip
async def get_active_activations(call: Call) -> Reply:
    """What is open now.

    The list stands under `data` too, where HeroSMS has it.
    """
    listed = [_active(activation, messages) for activation, messages in await _open_now(call)]
    if not listed:
        return as_json({"status": "error", "error": "NO_ACTIVATIONS"})
    return as_json({"status": "success", "activeActivations": listed, "data": listed})


def _active(activation: Activation, messages: list[Row]) -> dict[str, Any]:
    country = COUNTRIES.get(activation.country)
    return {
        "activationId": str(activation.id),
        "serviceCode": activation.service,
        "phoneNumber": activation.phone,
        "activationCost": number(activation.price),
        "activationStatus": STATUS_NUMBERS[activation.status],
        "smsCode": [message["code"] for message in messages] or None,
        "smsText": messages[-1]["text"] if messages else None,
        "activationTime": clock_time(activation.created_at),
        "discount": "0.00",
        "repeated": "0",
        "countryCode": str(activation.country),
        "countryName": country.eng if country else "",
        "canGetAnotherSms": "1" if activation.several_sms else "0",
        "currency": USD_CODE,
    }


@ACTIONS.action(
    "getCurrentActivations", section="3",
    example='{"status":"success","array":[{"id":"12","phone":"12025550123","service":"wa","country":187,"status":"2",'
    '"code":"123456","cost":0.5,"date":"2026-01-01 12:00:00"}],"time":1767268800}',
)  # fmt: skip
async def get_current_activations(call: Call) -> Reply:
    """What is open now, in an older form."""
    found = await _open_now(call)
    if not found:
        return as_json({"status": "fail", "msg": "no_activations"})
    listed = [
        {
            "id": str(activation.id),
            "phone": activation.phone,
            "service": activation.service,
            "country": activation.country,
            "status": STATUS_NUMBERS[activation.status],
            "code": activation.code if activation.status is Status.RECEIVED else None,
            "cost": number(activation.price),
            "date": clock_time(activation.created_at),
        }
        for activation, _ in found
    ]
    return as_json({"status": "success", "array": listed, "time": int(call.gateway.clock.now())})


@ACTIONS.action(
    "getListOfActiveActivations", params.START, params.LENGTH, section="3",
    example='{"data":[{"id":12,"forward":0,"phone":"12025550123","createDate":"2026-01-01 12:00:00","service":"wa",'
    '"country":187,"finishDate":"2026-01-01 12:15:00","forwardNumber":""}],"existNext":false,"quant":1}',
)  # fmt: skip
async def get_list_of_active_activations(call: Call, start: int, length: int) -> Reply:
    """What is open now, in the form of the Java SDK."""
    found = await _open_now(call)
    listed = [
        {
            "id": activation.id,
            "forward": 0,
            "phone": activation.phone,
            "createDate": clock_time(activation.created_at),
            "service": activation.service,
            "country": activation.country,
            "finishDate": clock_time(activation.expires_at),
            "forwardNumber": "",
        }
        for activation, _ in found[start : start + length]
    ]
    return as_json({"data": listed, "existNext": start + length < len(found), "quant": len(found)})
