"""Actions with nothing behind them here: they answer as an account without such things would."""

import json
from typing import Any

from proxy.stub.actions.common import ACTIONS
from proxy.stub.registry import Call
from proxy.stub.replies import Reply, as_json, text


def _answers(words: str = "", value: Any = None) -> Any:
    async def answer(call: Call) -> Reply:
        """There is nothing of the kind here; the answer is always this one."""
        return text(words) if value is None else as_json(value)

    return answer


def _mail_error(word: str) -> dict[str, str]:
    return {"status": "ERROR", "error": word}


NOTHING: dict[str, tuple[str, Any]] = {
    # Calls
    "getIncomingCallStatus": ("INVALID_ACTIVATION_ID", None),
    "createTaskForCall": ("", {"status": "error", "msg": "NUMBER_NOT_EXIST"}),
    "getOutgoingCalls": ("", {}),
    "parseCall": ("NO_CALL", None),
    # E-mail
    "getDomains": ("", {"status": "OK", "response": {"zones": [], "popular": []}}),
    "buyMailActivation": ("", _mail_error("BAD_SITE")),
    "checkMailActivation": ("", _mail_error("ACTIVATION_NOT_FOUND")),
    "cancelMailActivation": ("", _mail_error("ACTIVATION_NOT_FOUND")),
    "reorderMailActivation": ("", _mail_error("ACTIVATION_NOT_FOUND")),
    "getMailHistory": ("", {"status": "OK", "response": {"list": []}}),
    # Partner goods and money that is not ours
    "buyPartnerProduct": ("BAD_DATA", None),
    "getQiwiRequisites": ("", {"status": "FALSE", "comment": "", "wallet": "", "upToDate": ""}),
    "updateApiCurrency": ("CURRENCY_CHANGE_UNAVAILABLE", None),
    "getNotifications": ("", []),
}


def _section(name: str) -> str:
    """Of the protocol: e-mail is 6."""
    return "6" if "Mail" in name or name == "getDomains" else "3"


for _name, (_words, _value) in NOTHING.items():
    ACTIONS.action(_name, example=_words or json.dumps(_value), section=_section(_name))(_answers(_words, _value))
