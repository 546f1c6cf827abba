"""routing.yaml -> frozen Config, or every complaint at once, each with its line.

`keys` declares what may stand in the file, once; `readers` says what a value may look like, `reading` walks the YAML,
`values` is what the rest of the house sees.
"""

from collections.abc import Collection, Mapping

from proxy.config.keys import KINDS, ROOT
from proxy.config.reading import Reading, compose
from proxy.config.values import Config, KeyedClient, Listen, ProviderConfig
from proxy.errors import BadConfig

__all__ = ["KINDS", "ROOT", "Config", "KeyedClient", "Listen", "ProviderConfig", "parse"]


def parse(
    text: str,
    env: Mapping[str, str],
    *,
    source: str = "routing.yaml",
    known_kinds: Collection[str] = KINDS,
) -> Config:
    """Read the operator's file. Raises BadConfig with all that is wrong, never showing a secret."""
    reading = Reading(source, env)
    reading.known["kind"] = {kind: kind for kind in known_kinds}
    document = compose(text, reading)
    config = None if document is None else reading.attempt(ROOT, document)
    if reading.complaints or not isinstance(config, Config):
        raise BadConfig(reading.report())
    return config
