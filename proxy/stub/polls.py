"""Polls, from the bytes of the request to the bytes of the reply: nine tenths of all traffic, and nothing in between.

Derived from the declarations: an action that says how it answers `at_once` is answered here while its activation is
open, by the same words and after the same checks. Whatever is not entirely plain goes the long way, refusals too, so
that nothing is said here that is not said there.
"""

from collections.abc import Mapping

from proxy.stub.endpoint import PATHS, Endpoint
from proxy.stub.registry import Action, Registry

LONGEST = 512
"""Bytes of a query; a plain poll has a hundred."""
MOST_FIELDS = 8
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=UTF-8\r\ncontent-length: %d\r\n\r\n%s"


class Polls:
    """Asks the same endpoint for everything that may change: clients, rates, the live view."""

    def __init__(self, endpoint: Endpoint, actions: Registry) -> None:
        self._endpoint = endpoint
        self._open = endpoint.gateway.store.live.open
        self._paths = frozenset(path.encode() for path in PATHS)
        self._actions: Mapping[bytes, Action] = {
            name.encode(): action for name, action in actions.items() if action.at_once is not None
        }

    @property
    def marks(self) -> tuple[bytes, ...]:
        """One of these stands in everything that is answered here."""
        return tuple(b"=" + name for name in self._actions)

    def answer(self, target: bytes) -> bytes | None:
        """The whole reply to a GET of this target; None: it is to go the long way."""
        path, _, query = target.partition(b"?")
        if path not in self._paths or len(query) > LONGEST or b"%" in query or b"+" in query or not query.isascii():
            return None
        pairs = query.split(b"&")
        if len(pairs) > MOST_FIELDS:
            return None
        fields = dict([pair.partition(b"=")[::2] for pair in pairs])
        action = self._actions.get(fields.get(b"action", b""))
        id = fields.get(b"id", b"")
        if action is None or not id.isdigit() or len(id) > 10 or b"api_key" not in fields:
            return None
        return self._words(action, fields[b"api_key"], int(id))

    def _words(self, action: Action, key: bytes, id: int) -> bytes | None:
        client = self._endpoint.access.find(key)
        activation = self._open.get(id)
        if client is None or activation is None or activation.client != client.name or activation.hours:
            return None
        bucket = self._endpoint.access.buckets.get(client.name)
        if bucket is not None and not bucket.took():
            return None  # it is refused on the long way, where refusals wait for their turn
        assert action.at_once is not None
        self._endpoint.count(action.name)
        words = action.at_once(activation).encode()
        return HEAD % (len(words), words)
