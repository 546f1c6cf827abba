"""The wall clock of both providers' servers, by rule: the machine's time zone files may be missing."""

from datetime import UTC, datetime, timedelta, timezone

_EST = timezone(timedelta(hours=-5), "EST")
_EDT = timezone(timedelta(hours=-4), "EDT")


def new_york(at: float) -> datetime:
    """Daylight saving time from the second Sunday of March to the first of November, at two in the morning."""
    moment = datetime.fromtimestamp(at, UTC)
    begins = _sunday(moment.year, 3, 2) + timedelta(hours=7)
    ends = _sunday(moment.year, 11, 1) + timedelta(hours=6)
    return moment.astimezone(_EDT if begins <= moment < ends else _EST)


def plain(at: float) -> str:
    """As getatext prints times: New York's, without saying so."""
    return new_york(at).strftime("%Y-%m-%d %H:%M:%S")


def day(at: float) -> str:
    """As getatext prints the dates of rents."""
    return new_york(at).strftime("%Y-%m-%d")


def with_offset(at: float) -> str:
    """As getatext prints when a rent's SMS came: 2025-07-28T12:39:32-04:00."""
    return new_york(at).isoformat(timespec="seconds")


def with_zone(at: float) -> str:
    """As getsms prints times: 2020-09-14 14:42:36 EDT."""
    return new_york(at).strftime("%Y-%m-%d %H:%M:%S %Z")


def _sunday(year: int, month: int, nth: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))
