"""The stub as an OpenAPI document, made from the declarations.

OpenAPI tells operations apart by path, the protocol by a parameter: so every action has a path of its own as well,
`/stubs/handler_api.php/getNumber`, which means the same.
"""

import json
from collections.abc import Mapping
from typing import Any

from proxy import errors
from proxy.stub.registry import Action, Param
from proxy.stub.replies import refusal_for

TITLE = "sms-proxy"
STUB = "/stubs/handler_api.php"
EVERYWHERE = (errors.TooManyRequests, errors.StoreClosed)
"""What any action may refuse with; with a key, BadKey too."""
FORM = "application/x-www-form-urlencoded"


def document(actions: Mapping[str, Action], version: str) -> dict[str, Any]:
    paths: dict[str, Any] = {STUB: {"get": _by_parameter(actions)}}
    for action in actions.values():
        paths[f"{STUB}/{action.name}"] = {"get": _operation(action), "post": _operation(action, form=True)}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version, "description": "SMS-Activate's protocol, action by action."},
        "paths": paths,
        "components": {"securitySchemes": {"api_key": {"type": "apiKey", "in": "query", "name": "api_key"}}},
    }


def _by_parameter(actions: Mapping[str, Action]) -> dict[str, Any]:
    """The one address of the protocol: the action is a parameter, and the others depend on it."""
    action = {"name": "action", "in": "query", "required": True, "schema": {"type": "string", "enum": sorted(actions)}}
    replies = {"200": {"description": "the action's reply, or a word that says what is wrong", "content": ANYTHING}}
    return {
        "operationId": "action",
        "summary": "Any action, by its name.",
        "parameters": [action],
        "security": [{"api_key": []}],
        "responses": replies | {"429": _words([errors.TooManyRequests])},
    }


ANYTHING = {"text/plain": {"schema": {"type": "string"}}, "application/json": {"schema": {}}}


def _operation(action: Action, *, form: bool = False) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{action.name}{'Form' if form else ''}",
        "summary": action.summary,
        "responses": _responses(action),
    }
    if not action.open:
        operation["security"] = [{"api_key": []}]
    if form:
        if action.params:
            operation["requestBody"] = {"content": {FORM: {"schema": _form(action.params)}}}
    else:
        operation["parameters"] = [_parameter(param) for param in action.params]
    return operation


def _parameter(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": "query",
        "required": param.missing is not None,
        "description": _meaning(param),
        "schema": dict(param.schema),
    }


def _form(params: tuple[Param, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {param.name: {**param.schema, "description": _meaning(param)} for param in params},
        "required": [param.name for param in params if param.missing is not None],
    }


def _meaning(param: Param) -> str:
    return param.help + (f" (also: {', '.join(param.aliases)})" if param.aliases else "")


def _responses(action: Action) -> dict[str, Any]:
    refusals = [*action.refusals, *EVERYWHERE, *(() if action.open else (errors.BadKey,))]
    said = _words([kind for kind in refusals if refusal_for(kind).status == 200])
    if action.example[:1] in "{[":
        example = json.loads(action.example)
        kind = "array" if isinstance(example, list) else "object"
        said["content"]["application/json"] = {"schema": {"type": kind}, "example": example}
        said["content"]["text/plain"]["schema"]["pattern"] = _pattern(refusals, ["STATUS_CANCEL"])
    else:
        said["content"]["text/plain"] |= {"example": action.example}
    return {"200": said, "429": _words([errors.TooManyRequests])}


def _pattern(refusals: list[type[errors.GatewayError]], more: list[str]) -> str:
    words = sorted({refusal_for(kind).word for kind in refusals} | set(more))
    return f"^({'|'.join(words)})(:.*)?$"


def _words(refusals: list[type[errors.GatewayError]]) -> dict[str, Any]:
    meanings = {refusal_for(kind).word: refusal_for(kind).meaning for kind in refusals}
    told = "; ".join(f"{word}: {meaning}" for word, meaning in sorted(meanings.items()))
    return {"description": told, "content": {"text/plain": {"schema": {"type": "string"}}}}
