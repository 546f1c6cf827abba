"""One upstream is one file, behind the small Protocol of `base`; the list of them is ADAPTERS below."""

from collections.abc import Callable, Mapping

from proxy.clock import Clock
from proxy.providers.base import Provider, ProviderSettings
from proxy.providers.getatext import Getatext
from proxy.providers.getsms import Getsms
from proxy.providers.sms_activate import SmsActivate
from proxy.providers.wire import Wire

AdapterClass = Callable[[str, Wire, Clock, ProviderSettings], Provider]
"""Called with the provider's configured name, its own wire, the clock and its settings."""

ADAPTERS: Mapping[str, AdapterClass] = {
    "getsms": Getsms,
    "getatext": Getatext,
    "sms_activate": SmsActivate,
}
"""By the `kind` in routing.yaml."""
