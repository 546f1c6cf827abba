"""How the services that matter in the US are called by providers whose names are words instead of codes.

A provider may spell a name in its own way, so `matching` compares without case, spaces and punctuation; of several
names for one code the first that the provider lists is taken.
"""

from collections.abc import Mapping

_US: Mapping[str, tuple[str, ...]] = {
    # Messengers and social networks
    "wa": ("WhatsApp",),
    "tg": ("Telegram",),
    "bw": ("Signal",),
    "vi": ("Viber",),
    "wb": ("WeChat",),
    "me": ("Line", "Line Messenger"),
    "kt": ("KakaoTalk", "Kakao"),
    "ds": ("Discord",),
    "rc": ("Skype",),
    "xs": ("GroupMe",),
    "fb": ("Facebook",),
    "ig": ("Instagram", "Instagram / Threads"),
    "tw": ("Twitter", "Twitter / X", "X / Twitter", "X"),
    "lf": ("TikTok",),
    "fu": ("Snapchat",),
    "tn": ("LinkedIn",),
    "bnl": ("Reddit",),
    "hb": ("Twitch",),
    "ef": ("Nextdoor",),
    "ada": ("Truth Social",),
    "vk": ("VK", "VKontakte"),
    "qq": ("Tencent QQ", "QQ"),
    # Mail, accounts and tools
    "go": ("Google", "Google / Gmail / YouTube", "Google / YouTube / Gmail", "Google / Gmail", "Gmail"),
    "gf": ("Google Voice",),
    "mm": ("Microsoft", "Microsoft / Outlook", "Outlook"),
    "mb": ("Yahoo",),
    "pm": ("AOL",),
    "dp": ("ProtonMail", "Proton"),
    "wx": ("Apple", "Apple ID"),
    "am": ("Amazon",),
    "dr": ("OpenAI", "OpenAI / ChatGPT", "ChatGPT"),
    "aob": ("Anthropic",),
    "acz": ("Claude",),
    "ata": ("Authy",),
    "ee": ("Twilio",),
    # Money
    "ts": ("PayPal",),
    "it": ("Cash App",),
    "yy": ("Venmo",),
    "re": ("Coinbase",),
    "aon": ("Binance",),
    "ti": ("Crypto.com",),
    "bo": ("Wise", "TransferWise"),
    "ij": ("Revolut",),
    "nc": ("Payoneer",),
    "bbq": ("Chime",),
    "zj": ("Robinhood",),
    "bow": ("Affirm",),
    "afz": ("Klarna",),
    "apr": ("Capital One",),
    "bqz": ("Credit Karma",),
    # Shops and markets
    "dh": ("eBay",),
    "wr": ("Walmart",),
    "alq": ("Etsy",),
    "dg": ("Mercari",),
    "oz": ("Poshmark",),
    "zm": ("OfferUp",),
    "wc": ("Craigslist",),
    "ep": ("Temu",),
    "aez": ("Shein",),
    "xv": ("Wish",),
    "ew": ("Nike",),
    "gp": ("Ticketmaster",),
    # Rides, food, travel and work
    "ub": ("Uber", "Uber / Uber Eats"),
    "tu": ("Lyft",),
    "ac": ("DoorDash",),
    "avm": ("Instacart",),
    "ajn": ("Gopuff",),
    "sr": ("Starbucks",),
    "ry": ("McDonalds",),
    "uk": ("Airbnb",),
    "aed": ("Booking.com", "Booking"),
    "cn": ("Fiverr",),
    "abq": ("Upwork",),
    "brk": ("Indeed",),
    # Dating and play
    "oi": ("Tinder",),
    "vz": ("Hinge",),
    "mo": ("Bumble",),
    "qv": ("Badoo",),
    "vm": ("OkCupid",),
    "pf": ("POF", "Plenty of Fish"),
    "yw": ("Grindr",),
    "axr": ("Match", "Match.com"),
    "nf": ("Netflix",),
    "alj": ("Spotify",),
    "mt": ("Steam",),
    "bz": ("Blizzard", "Battle.net"),
    "aiw": ("Roblox",),
    "aml": ("Xbox",),
}

PAIRS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"getsms": _US, "getatext": _US}
"""Kind -> code -> its names there."""

SPEAKS_CODES = frozenset({"sms_activate"})
"""Kinds whose own names are the codes themselves."""
