"""What a stand-in sells and how it behaves, and the shelf that it comes with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.domain.money import DOLLAR, Usd, parse_usd

SERVICE_PERIODS = ("1d", "3d", "7d", "14d", "30d")
"""For which a number may be rented for one service (getatext)."""


@dataclass(frozen=True, slots=True)
class Lot:
    """What is put up for auction."""

    service_name: str
    bid: Usd
    """The first, by somebody else, for one of the lot."""
    amount: int
    ends_after: float
    """Seconds from the stand-in's start."""


@dataclass(slots=True)
class Service:
    """One line of the price list."""

    name: str
    """What people read."""
    api_name: str
    """What is sent; at getsms the same as `name`."""
    price: Usd
    stock: int
    """How many numbers there are for it, those rented out just now included."""
    ttl: int = 15
    """Minutes that a rental waits for its SMS."""
    several_sms: bool = False
    carriers: tuple[str, ...] = ("at&t", "tmobile")
    """Those with numbers in stock (getatext)."""
    available: bool = True
    """Whether this account may have it without asking for approval first (getatext)."""
    code_length: int = 6
    prefix: str = ""
    """Stands before the code in the text: the `G-` of `G-804036`."""
    long_prices: Mapping[str, Usd] = field(default_factory=dict)
    """Of its own number for one of SERVICE_PERIODS (getatext)."""


@dataclass(slots=True)
class Settings:
    """Read anew at every request, so that a test may change any of them while the stand-in runs."""

    services: tuple[Service, ...] = ()
    balance: Usd = 500 * DOLLAR
    user: str = "demo"
    """getsms only."""
    api_key: str = "demo"
    sms_after: float | None = 3.0
    """Seconds from a rental to its first SMS; None: none comes by itself."""
    sms_per_rental: int = 2
    """For services that allow several; the others get one."""
    sms_interval: float = 10.0
    cancel_lock: float = 60.0
    """Seconds after a rental in which it cannot be cancelled (getatext)."""
    lifetime: int = 900
    """Seconds that a number is reserved (getsms; at getatext each service has its own)."""
    joint_after: float | None = 1.0
    """Seconds from a request for several services until a number in stock is given to it; None: never (getsms)."""
    bids_win_after: float | None = None
    """Seconds from a request with a markup until somebody gives a number up; None: only stock makes it win (getsms)."""
    long_prices: Mapping[str, Usd] = field(
        default_factory=lambda: {"1w": parse_usd("10.99"), "2w": parse_usd("12.99"), "1m": parse_usd("14.99")}
    )
    """Of a number that gets the SMS of every service (getatext)."""
    long_stock: int = 42
    """How many of those there are, those rented just now included."""
    service_long_stock: int = 25
    """How many numbers there are to be rented for one service each or for several."""
    long_cancel_window: float = 1200.0
    """Seconds after a rental by the day or week in which it can be cancelled (getatext)."""
    long_rental_flat: bool = False
    """Whether a long rental's fields stand beside the reply's own, and not in `long_rental` (getatext)."""
    service_rentals_enabled: bool = True
    """Whether this account may rent a number for a service by the day (getatext)."""
    rents_webhook: bool = False
    """Whether SMS of such rentals are pushed too, though their ids are not unique (getatext)."""
    first_rent_id: int = 1
    """Ids of each kind of such rentals count up from here."""
    auctions: tuple[Lot, ...] = (
        Lot("Whatsapp", parse_usd("0.30"), 100, 15 * 60.0),
        Lot("Telegram", parse_usd("0.80"), 25, 6 * 3600.0),
        Lot("Google", parse_usd("0.50"), 50, 3 * 24 * 3600.0),
    )
    """Put up when the stand-in starts, with ids from 1 (getatext)."""
    first_id: int = 10_000_001
    """Ids count up from here and phone numbers follow them: a later start needs a larger one to repeat none."""
    seed: int = 1
    max_open: int | None = None
    """The account's limit of active rentals (getatext)."""
    max_open_all: int | None = None
    """The platform's limit of active rentals (getatext)."""
    maintenance: bool = False
    """Every request is answered with 503 (getatext)."""
    webhook_url: str = ""
    remember: int = 50_000
    """Requests, messages and rentals that are over beyond so many are forgotten, the oldest first."""
    withdrawn: set[str] = field(default_factory=set)
    """Phone numbers (ten digits) that are no longer to be had."""


# getsms name, price, numbers | getatext name, api_name, price, numbers, minutes, whether it takes several SMS
_SHELF: tuple[tuple[str, str, int, str, str, str, int, int, bool], ...] = (
    ("Airbnb", "0.40", 310, "Airbnb", "airbnb", "0.35", 420, 5, False),
    ("Amazon", "0.50", 540, "Amazon", "amazon", "0.45", 380, 5, False),
    ("Bumble", "0.80", 160, "Bumble", "bumble", "0.95", 240, 10, False),
    ("Cash App", "1.10", 120, "Cash App", "cashapp", "0.90", 150, 10, True),
    ("Craigslist", "0.45", 260, "", "", "", 0, 0, False),
    ("Discord", "0.20", 900, "Discord", "discord", "0.25", 1_100, 5, False),
    ("DoorDash", "0.30", 450, "DoorDash", "doordash", "0.28", 510, 5, False),
    ("Ebay", "0.35", 330, "Ebay", "ebay", "0.40", 290, 5, False),
    ("Facebook", "0.45", 700, "Facebook", "facebook", "0.50", 640, 10, True),
    ("Google", "1.00", 740, "Google", "google", "0.85", 930, 10, True),
    ("", "", 0, "Hinge", "hinge", "0.75", 180, 10, False),
    ("Instagram", "0.35", 820, "Instagram", "instagram", "0.50", 760, 5, False),
    ("LinkedIn", "0.40", 290, "LinkedIn", "linkedin", "0.30", 350, 5, False),
    ("Lyft", "0.55", 210, "Lyft", "lyft", "0.60", 230, 5, False),
    ("Microsoft", "0.15", 990, "Microsoft", "microsoft", "0.20", 870, 5, True),
    ("Netflix", "0.25", 400, "Netflix", "netflix", "0.22", 460, 5, False),
    ("OpenAI", "0.60", 350, "OpenAI", "openai", "0.70", 410, 5, False),
    ("PayPal", "0.90", 190, "PayPal", "paypal", "0.80", 220, 10, True),
    ("Signal", "0.40", 480, "Signal", "signal", "0.35", 520, 5, False),
    ("Snapchat", "0.30", 560, "Snapchat", "snapchat", "0.33", 610, 5, False),
    ("Steam", "0.20", 430, "Steam", "steam", "0.25", 390, 5, False),
    ("Telegram", "1.40", 640, "Telegram", "telegram", "1.25", 980, 5, False),
    ("TikTok", "0.25", 710, "TikTok", "tiktok", "0.30", 680, 5, False),
    ("Tinder", "0.70", 280, "Tinder", "tinder", "0.60", 340, 10, True),
    ("Twitter", "0.20", 850, "Twitter", "twitter", "0.18", 790, 5, False),
    ("Uber", "0.35", 600, "Uber", "uber", "0.30", 570, 5, False),
    ("Venmo", "1.20", 110, "Venmo", "venmo", "1.30", 140, 10, False),
    ("WhatsApp", "0.60", 740, "Whatsapp", "whatsapp", "0.55", 1_200, 5, False),
    ("Yahoo", "0.15", 660, "Yahoo", "yahoo", "0.18", 590, 5, True),
)
_CODE_LENGTHS = {"Lyft": 5, "Telegram": 5, "Uber": 4}
_PREFIXES = {"Google": "G-"}

_LONG_PRICES = {  # for each of SERVICE_PERIODS; 0: not sold
    "discord": ("0.70", "1.40", "2.20", "0", "0"),
    "facebook": ("1.20", "2.50", "4.00", "7.00", "12.00"),
    "google": ("2.00", "4.00", "7.00", "12.00", "20.00"),
    "instagram": ("1.20", "2.50", "4.00", "7.00", "12.00"),
    "telegram": ("2.50", "5.00", "9.00", "16.00", "27.00"),
    "tinder": ("0", "0", "5.00", "0", "14.00"),
    "whatsapp": ("1.50", "3.00", "5.00", "9.00", "15.00"),
}


def getsms_services() -> tuple[Service, ...]:
    return tuple(
        Service(
            name,
            name,
            parse_usd(price),
            stock,
            code_length=_CODE_LENGTHS.get(name, 6),
            prefix=_PREFIXES.get(name, ""),
        )
        for name, price, stock, *_ in _SHELF
        if name
    )


def getatext_services() -> tuple[Service, ...]:
    return tuple(
        Service(
            title,
            word,
            parse_usd(price),
            stock,
            ttl,
            several,
            code_length=_CODE_LENGTHS.get(name, 6),
            long_prices=_long_prices(word),
        )
        for name, _, _, title, word, price, stock, ttl, several in _SHELF
        if word
    )


def _long_prices(api_name: str) -> dict[str, Usd]:
    prices = zip(SERVICE_PERIODS, map(parse_usd, _LONG_PRICES.get(api_name, ())), strict=False)
    return {period: price for period, price in prices if price}
