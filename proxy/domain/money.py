"""Exact money: US dollars as a whole number of millionths, so that sums are exact in Python and in SQL alike.

Six decimals: prices have two to four, and a price that was converted from another currency is rounded up to the sixth.
"""

from decimal import ROUND_CEILING, Decimal, InvalidOperation

Usd = int
"""Millionths of a US dollar."""

DOLLAR: Usd = 1_000_000
LARGEST: Usd = 1_000_000 * DOLLAR
"""More than any price, balance or budget here; what is larger was not meant as money."""


def parse_usd(value: object) -> Usd:
    """Read an amount as providers and people write it: `"0.55"`, `0.55` (as Decimal), `1`.

    Raises ValueError for what is no finite amount within LARGEST. A float is refused: JSON is read with
    `parse_float=Decimal`.
    """
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"not an amount of money: {value!r}")
    if isinstance(value, str) and "_" in value:
        raise ValueError(f"not an amount of money: {value!r}")
    try:
        amount = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not an amount of money: {value!r}") from None
    if not amount.is_finite() or amount.adjusted() > 7 or abs(amount) * DOLLAR > LARGEST:
        raise ValueError(f"not an amount of money: {value!r}")
    return int((amount * DOLLAR).to_integral_value(ROUND_CEILING))


def print_usd(amount: Usd, places: int = 2) -> str:
    """`places` decimals, and more only where the amount has them: 0.55, 0.5512."""
    sign, rest = ("-", -amount) if amount < 0 else ("", amount)
    whole, fraction = divmod(rest, DOLLAR)
    digits = f"{fraction:06d}"
    return f"{sign}{whole}.{digits[:places]}{digits[places:].rstrip('0')}"


def scale(amount: Usd, percent: int) -> Usd:
    """`percent` hundredths of an amount, rounded up: a surcharge of 20 % is `scale(price, 120)`."""
    return -(-amount * percent // 100)
