"""SMS as they come in: codes, the texts around them and senders, the same at every run."""

import random
import re
from dataclasses import dataclass
from itertools import count

from proxy.sandbox.settings import Service

_TEXTS = (
    "{code} is your {service} verification code.",
    "Your {service} code: {code}. It expires in 10 minutes. Do not share it with anyone.",
    "[{service}] Use {code} to verify your phone number",
    "<#> {code} is your {service} code",
)
_SENDERS = ("22000", "18339020112", "32665", "78642", "18885550143")


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    at: float
    code: str
    pin: str
    """The code as the provider found it in the text, prefix and all; empty if it did not."""
    text: str
    sender: str


class Texts:
    """Every fourth code begins with a zero, every eighth text keeps its code unread."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._turns = count(1)

    def message(self, service: Service, at: float, *, code: str = "", text: str = "", sender: str = "") -> Message:
        """What is not given is made up; a code that is not given with its text is looked for in it."""
        made, found = self._code(service.code_length)
        digits = code or made
        pin = service.prefix + digits if code or found else ""
        written = self._random.choice(_TEXTS).format(code=service.prefix + digits, service=service.name)
        sent_by = self._random.choice(_SENDERS)
        if text and not code:
            seen = re.search(r"(?<!\d)\d{4,8}(?!\d)", text)
            digits = pin = seen[0] if seen else ""
        return Message(at, digits, pin, text or written, sender or sent_by)

    def _code(self, length: int) -> tuple[str, bool]:
        """A code, and whether the provider finds it in the text."""
        turn = next(self._turns)
        digits = f"{self._random.randrange(10**length):0{length}d}"
        return ("0" + digits[1:] if turn % 4 == 2 else digits), turn % 8 != 0
