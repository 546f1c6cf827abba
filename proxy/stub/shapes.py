"""What the replies of every action look like: plain words with places to fill, and JSON schemas."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.stub.actions.common import STATUS_NUMBERS, USD_CODE
from proxy.stub.actions.nothing import NOTHING
from proxy.stub.params import LARGEST_ID

Schema = Mapping[str, Any]

PLACES = {
    "id": r"[1-9][0-9]{0,9}",
    "phone": r"[0-9]{7,15}",
    "code": r"[^:\r\n]+",
    "text": r"[\s\S]+",
    "amount": r"-?[0-9]+\.[0-9]{2,6}",
}
"""What may stand in a place of a plain reply."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The replies of an action that are no refusals."""

    words: Mapping[str, str] = field(default_factory=dict)
    """Plain replies, their places in braces, and what they mean."""
    value: Schema | None = None
    """The schema of the JSON reply, if there is one."""


def pattern_of(words: str) -> str:
    """A regular expression for a plain reply with places."""
    return re.sub(r"\{(\w+)\}", lambda place: PLACES[place[1]], words)


def record(**fields: Schema) -> Schema:
    """An object with exactly these fields."""
    return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}


def by(key: str, value: Schema) -> Schema:
    """An object whose keys look like `key`, a regular expression."""
    return {"type": "object", "propertyNames": {"pattern": f"^(?:{key})$"}, "additionalProperties": value}


def several(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def optional(schema: Schema) -> Schema:
    return either(schema, {"type": "null"})


def text_like(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MONEY: Schema = {"type": "number", "minimum": 0}
PER_CENT: Schema = {"type": "integer", "minimum": 0, "maximum": 100}
FLAG: Schema = {"enum": [0, 1]}
FLAG_TEXT: Schema = {"enum": ["0", "1"]}
ID: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
ID_TEXT = text_like(PLACES["id"])
PHONE = text_like(PLACES["phone"])
CODE = text_like(PLACES["code"])
MOMENT = text_like(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
COUNTRY: Schema = COUNT
CURRENCY: Schema = {"const": USD_CODE}
STATUS: Schema = {"enum": sorted(set(STATUS_NUMBERS.values()))}
ISO_MOMENT = text_like(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
A_COUNTRY, A_SERVICE, A_PRICE, AN_INDEX = r"[0-9]+", r".+", r"[0-9]+\.[0-9]{2,6}", r"0|[1-9][0-9]*"
"""What the keys of an object look like."""
SUCCESS: Schema = {"const": "success"}

ACTIVE = record(
    activationId=ID_TEXT, serviceCode=TEXT, phoneNumber=PHONE, activationCost=MONEY, activationStatus=STATUS,
    smsCode=optional(several(CODE)), smsText=optional(TEXT), activationTime=MOMENT, discount=text_like(A_PRICE),
    repeated=FLAG_TEXT, countryCode=text_like(A_COUNTRY), countryName=TEXT, canGetAnotherSms=FLAG_TEXT,
    currency=CURRENCY,
)  # fmt: skip
CURRENT = record(
    id=ID_TEXT, phone=PHONE, service=TEXT, country=COUNTRY, status=STATUS, code=optional(CODE), cost=MONEY, date=MOMENT
)
LISTED = record(
    id=ID, forward=FLAG, phone=PHONE, createDate=MOMENT, service=TEXT, country=COUNTRY, finishDate=MOMENT,
    forwardNumber=TEXT,
)  # fmt: skip
SMS = record(id=ID, phoneFrom=TEXT, code=CODE, text=TEXT, service=TEXT, date=MOMENT, type={"const": "sms"})
TOP = {
    **record(country=COUNTRY, count=COUNT, price=MONEY, retail_price=MONEY, freePriceMap=by(A_PRICE, COUNT)),
    "required": ["country", "count", "price", "retail_price"],
}
TOPS = by(AN_INDEX, TOP)
RENTED = Shape(value=record(status=SUCCESS, phone=record(id=ID, endDate=ISO_MOMENT, number=PHONE)))
RENT_SMS = record(phoneFrom=TEXT, text=TEXT, service=TEXT, date=MOMENT)
RENT_TERM = record(createDate=MOMENT, price=MONEY, hours=COUNT)
BALANCE = Shape({"ACCESS_BALANCE:{amount}": "what the client may still spend, in US dollars"})
NUMBER = Shape({"ACCESS_NUMBER:{id}:{phone}": "the number is bought; `id` names it from now on"})
OVER = {"STATUS_CANCEL": "it is over, and no code came"}
WAITING = {"STATUS_WAIT_CODE": "no SMS yet"}
TOP_COUNTRIES = Shape(value=either(TOPS, by(A_SERVICE, TOPS)))

SHAPES: dict[str, Shape] = {
    "getNumber": NUMBER,
    "getNumberV2": Shape(
        value=record(
            activationId=ID,
            phoneNumber=PHONE,
            activationCost=MONEY,
            currency=CURRENCY,
            countryCode=text_like(A_COUNTRY),
            canGetAnotherSms=FLAG_TEXT,
            activationTime=MOMENT,
            activationOperator=TEXT,
        )
    ),
    "getMultiServiceNumber": Shape(value=several(record(phone=PHONE, activation=ID_TEXT, service=TEXT))),
    "getExtraActivation": NUMBER,
    "checkExtraActivation": Shape(
        value=record(status=SUCCESS, cost=MONEY, service=TEXT, phone={"type": "integer"}, country=COUNTRY)
    ),
    "getAdditionalService": Shape({"ADDITIONAL:{id}:{phone}": "the service is bought on the same number"}),
    "getStatus": Shape(
        {
            **WAITING,
            "STATUS_WAIT_RETRY:{code}": "another SMS is asked for; the code is the one before",
            "STATUS_OK:{code}": "the newest code",
            **OVER,
        }
    ),
    "getStatusV2": Shape(
        OVER,
        record(
            verificationType={"const": 0},
            sms=optional(record(dateTime=MOMENT, code=CODE, text=TEXT)),
            call={"type": "null"},
        ),
    ),
    "setStatus": Shape(
        {
            "ACCESS_READY": "to 1: noted",
            "ACCESS_RETRY_GET": "to 3: another SMS is waited for",
            "ACCESS_ACTIVATION": "to 6: finished",
            "ACCESS_CANCEL": "to 8 and -1: cancelled",
        }
    ),
    "getFullSms": Shape({"FULL_SMS:{text}": "the whole text of the newest SMS", **WAITING, **OVER}),
    "getAllSms": Shape(value=record(data=several(SMS), meta=record(total=COUNT, service=TEXT))),
    "getActiveActivations": Shape(
        value=either(
            record(status=SUCCESS, activeActivations=several(ACTIVE), data=several(ACTIVE)),
            record(status={"const": "error"}, error={"const": "NO_ACTIVATIONS"}),
        )
    ),
    "getCurrentActivations": Shape(
        value=either(
            record(status=SUCCESS, array=several(CURRENT), time=COUNT),
            record(status={"const": "fail"}, msg={"const": "no_activations"}),
        )
    ),
    "getListOfActiveActivations": Shape(
        value=record(data=several(LISTED), existNext={"type": "boolean"}, quant=COUNT),
    ),
    "getBalance": BALANCE,
    "getBalanceAndCashBack": BALANCE,
    "getBalanceAndCashBackV2": Shape(value=record(balance={"type": "number"}, cashback={"const": 0})),
    "getHistory": Shape(
        value=several(
            record(
                id=ID_TEXT, date=MOMENT, phone=PHONE, sms=several(CODE), cost=MONEY, status=STATUS, currency=CURRENCY
            )
        )
    ),
    "getPrices": Shape(value=by(A_COUNTRY, by(A_SERVICE, record(cost=MONEY, count=COUNT, physicalCount=COUNT)))),
    "getPricesExtended": Shape(value=by(A_COUNTRY, by(A_SERVICE, record(cost=MONEY, count=COUNT)))),
    "getPricesVerification": Shape(
        value=by(A_SERVICE, by(A_COUNTRY, record(count=COUNT, price=text_like(A_PRICE)))),
    ),
    "getPricesV2": Shape(value=by(A_COUNTRY, by(A_SERVICE, by(A_PRICE, COUNT)))),
    "getPricesV3": Shape(
        value=by(A_COUNTRY, by(A_SERVICE, by(r".+", record(count=COUNT, price=MONEY, provider_id=COUNT)))),
    ),
    "getNumbersStatus": Shape(value=by(A_SERVICE, text_like(AN_INDEX))),
    "getTopCountriesByService": TOP_COUNTRIES,
    "getTopCountriesByServiceRank": TOP_COUNTRIES,
    "getListOfTopCountriesByService": Shape(value=several(record(country=COUNTRY, share=PER_CENT, rate=PER_CENT))),
    "getCountries": Shape(
        value=by(
            A_COUNTRY,
            record(id=COUNTRY, rus=TEXT, eng=TEXT, chn=TEXT, visible=FLAG, retry=FLAG, rent=FLAG, multiService=FLAG),
        )
    ),
    "getServicesList": Shape(value=record(status=SUCCESS, services=several(record(code=TEXT, name=TEXT)))),
    "getOperators": Shape(
        value=either(
            record(status=SUCCESS, countryOperators=by(A_COUNTRY, several(TEXT))),
            record(status={"const": "error"}, error={"const": "OPERATORS_NOT_FOUND"}),
        )
    ),
    "getRentServicesAndCountries": Shape(
        value=record(
            countries=by(AN_INDEX, COUNTRY),
            operators=by(AN_INDEX, TEXT),
            services=by(A_SERVICE, record(cost=MONEY, quant=COUNT)),
            currency=CURRENCY,
        )
    ),
    "getRentNumber": RENTED,
    "getRentStatus": Shape(
        value=record(status=SUCCESS, quantity=text_like(AN_INDEX), values=by(AN_INDEX, RENT_SMS)),
    ),
    "setRentStatus": Shape(value=record(status=SUCCESS)),
    "getRentList": Shape(value=record(status=SUCCESS, values=by(AN_INDEX, record(id=ID_TEXT, phone=PHONE)))),
    "continueRentNumber": RENTED,
    "getContinueRentPriceNumber": Shape(value=record(status=SUCCESS, price=MONEY, currency=CURRENCY)),
    "continueRentInfo": Shape(
        value=record(status=SUCCESS, price=MONEY, currency=CURRENCY, hours=COUNT, history=by(AN_INDEX, RENT_TERM)),
    ),
    **{
        name: Shape({words: "always"}) if value is None else Shape(value={"const": value})
        for name, (words, value) in NOTHING.items()
    },
}
