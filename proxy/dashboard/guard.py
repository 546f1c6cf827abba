"""Who may look: the holder of the admin token."""

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request


class Guard:
    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def check(self, request: Request) -> None:
        """Raises 401 unless the request carries the admin token as a Bearer."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token):
            raise HTTPException(401, "the admin token is missing or wrong", {"WWW-Authenticate": "Bearer"})
