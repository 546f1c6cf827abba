"""The stub as an OpenAPI document, made from the declarations.

OpenAPI tells operations apart by path, the protocol by a parameter: so every action has a path of its own as well,
`/stubs/handler_api.php/getNumber`, which means the same.
"""

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any

from proxy import errors
from proxy.stub.registry import Action, Param
from proxy.stub.replies import Manner, refusal_for
from proxy.stub.shapes import MONEY, SHAPES, Schema, Shape, either, pattern_of, record

Kind = type[errors.GatewayError]

TITLE = "sms-proxy"
STUB = "/stubs/handler_api.php"
FORM = "application/x-www-form-urlencoded"
TEXT, JSON = "text/plain", "application/json"
AT_THE_DOOR = (errors.TooManyRequests, errors.BadAction)
"""What is refused before an action begins, and plainly; where a key is needed, BadKey too."""
EVERYWHERE = (*AT_THE_DOOR, errors.StoreClosed)
"""What any action may refuse with."""
IDS = {
    "getNumberV2": "/activationId",
    "getMultiServiceNumber": "/0/activation",
    "getActiveActivations": "/activeActivations/0/activationId",
    "getCurrentActivations": "/array/0/id",
    "getListOfActiveActivations": "/data/0/id",
    "getHistory": "/0/id",
}
"""Where a reply names an activation, as a JSON pointer; whatever is asked about one can follow."""
RENT_IDS = {"getRentNumber": "/phone/id", "continueRentNumber": "/phone/id", "getRentList": "/values/0/id"}
"""The same for rents."""
ASK_SLOWER = {"Retry-After": {"description": "in so many seconds", "schema": {"type": "integer", "minimum": 1}}}
REASON = {"X-Reason": {"description": "why it was refused, for people", "schema": {"type": "string"}}}
PURCHASE = {
    "X-Price": {
        "description": "what was really paid, in US dollars",
        "schema": {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2,6}$"},
    },
    "X-Provider": {"description": "the provider that sold it, by its name here", "schema": {"type": "string"}},
}


def document(actions: Mapping[str, Action], version: str) -> dict[str, Any]:
    paths: dict[str, Any] = {STUB: {method: _by_parameter(actions, method) for method in ("get", "post")}}
    for action in actions.values():
        paths[f"{STUB}/{action.name}"] = {
            "get": _operation(action, actions),
            "post": _operation(action, actions, form=True),
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version,
            "description": "SMS-Activate's protocol, action by action. A refusal is a plain word with status 200, "
            "of rents one in an object.",
        },
        "paths": paths,
        "components": {"securitySchemes": {"api_key": {"type": "apiKey", "in": "query", "name": "api_key"}}},
    }


def refusals_of(action: Action) -> list[type[errors.GatewayError]]:
    """Everything that the action may be refused with, its own reasons first."""
    return [*action.refusals, *EVERYWHERE, *(() if action.open else (errors.BadKey,))]


def description_of(action: Action) -> str:
    """What the handler's docstring says after its first line: where the action differs from SMS-Activate's."""
    doc = inspect.cleandoc(action.handler.__doc__ or "")
    return " ".join(doc.partition("\n\n")[2].split())


def _subject(action: Action) -> Param | None:
    """The parameter that names what the action is about."""
    return next((param for param in action.params if param.names), None)


def _by_parameter(actions: Mapping[str, Action], method: str) -> dict[str, Any]:
    """The one address of the protocol: the action is a parameter, and the others depend on it."""
    action = {"name": "action", "in": "query", "required": True, "schema": {"type": "string", "enum": sorted(actions)}}
    anything = {TEXT: {"schema": {"type": "string"}}, JSON: {"schema": {"type": ["object", "array"]}}}
    replies = {"200": {"description": "the action's reply, or a word that says what is wrong", "content": anything}}
    return {
        "operationId": "action" if method == "get" else "actionForm",
        "summary": "Any action, by its name.",
        "parameters": [action],
        "security": [{"api_key": []}],
        "responses": replies | _too_fast(),
    }


def _operation(action: Action, actions: Mapping[str, Action], *, form: bool = False) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(action, form),
        "summary": action.summary,
        "description": description_of(action),
        "tags": [action.section],
        "responses": _responses(action) | _too_fast(),
    }
    for kind, ids in (("activation", IDS), ("rent", RENT_IDS)):
        if action.name in ids:
            followers = [
                (follower, it) for follower in actions.values() if (it := _subject(follower)) and it.names == kind
            ]
            operation["responses"]["200"]["links"] = _links(ids[action.name], followers, form)
    if not action.open:
        operation["security"] = [{"api_key": []}]
    if form and action.params:
        operation["requestBody"] = _form(action.params)
    elif not form:
        operation["parameters"] = [_parameter(param) for param in action.params]
    return operation


def _operation_id(action: Action, form: bool) -> str:
    return f"{action.name}Form" if form else action.name


def _parameter(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": "query",
        "required": param.missing is not None,
        "description": _meaning(param),
        "schema": dict(param.schema),
        **_spelling(param),
    }


def _form(params: tuple[Param, ...]) -> dict[str, Any]:
    required = [param.name for param in params if param.missing is not None]
    schema = {
        "type": "object",
        "properties": {param.name: {**param.schema, "description": _meaning(param)} for param in params},
        "required": required,
    }
    encoding = {param.name: _spelling(param) for param in params if _spelling(param)}
    return {"required": bool(required), "content": {FORM: {"schema": schema, "encoding": encoding}}}


def _spelling(param: Param) -> dict[str, Any]:
    """A list is one text with commas."""
    return {"style": "form", "explode": False} if param.schema.get("type") == "array" else {}


def _meaning(param: Param) -> str:
    return param.help + (f" (also: {', '.join(param.aliases)})" if param.aliases else "")


def _responses(action: Action) -> dict[str, Any]:
    shape = SHAPES.get(action.name, Shape())
    refusals = [kind for kind in refusals_of(action) if refusal_for(kind).status == 200]
    in_json = [
        kind for kind in refusals if action.manner.in_json and not issubclass(kind, (*AT_THE_DOOR, errors.BadKey))
    ]
    plain = {_refusal_pattern(kind, action.manner) for kind in refusals if kind not in in_json}
    patterns = _any_of(plain | {pattern_of(words) for words in shape.words})
    said: dict[str, Any] = {"schema": {"type": "string", "pattern": patterns}}
    content = {TEXT: said}
    if shape.value is not None:
        schema = _or_refused(shape.value, in_json, action.manner) if in_json else shape.value
        content[JSON] = {"schema": dict(schema), "example": json.loads(action.example)}
    else:
        said["example"] = action.example
    headers = REASON | (PURCHASE if action.buys else {})
    return {"200": {"description": _told(action, shape, refusals), "content": content, "headers": headers}}


def _or_refused(value: Schema, refusals: Iterable[Kind], manner: Manner) -> Schema:
    """The schema of a reply that may be a refusal in JSON."""
    words = {"type": "string", "pattern": _any_of({_refusal_pattern(kind, manner) for kind in refusals})}
    fields = {"status": {"const": "error"}, "message": words, "info": record(min=MONEY)}
    return either(value, {**record(**fields), "required": ["status", "message"]})


def _any_of(patterns: Iterable[str]) -> str:
    return f"^(?:{'|'.join(sorted(patterns))})$"


def _told(action: Action, shape: Shape, refusals: Iterable[Kind]) -> str:
    meanings = {(refusal.word, refusal.meaning) for kind in refusals if (refusal := refusal_for(kind, action.manner))}
    return "; ".join(f"{word}: {meaning}" for word, meaning in [*shape.words.items(), *sorted(meanings)])


def _refusal_pattern(kind: Kind, manner: Manner) -> str:
    word = refusal_for(kind, manner).word
    return pattern_of(f"{word}:{{amount}}") if kind is errors.WrongMaxPrice else word


def _too_fast() -> dict[str, Any]:
    refusal = refusal_for(errors.TooManyRequests)
    content = {TEXT: {"schema": {"const": refusal.word}, "example": refusal.word}}
    return {"429": {"description": refusal.meaning, "content": content, "headers": REASON | ASK_SLOWER}}


def _links(pointer: str, followers: Iterable[tuple[Action, Param]], form: bool) -> dict[str, Any]:
    """What can be asked next about what the reply names there."""
    links: dict[str, Any] = {}
    for follower, subject in followers:
        given = {subject.name: f"$response.body#{pointer}"}
        links[follower.name] = {
            "operationId": _operation_id(follower, form),
            "requestBody" if form else "parameters": given,
        }
    return links
