"""Every library there is a table about."""

from tests.clients import (
    table_aiosmsactivate,
    table_grizzly,
    table_herosms,
    table_smsactivate,
    table_smsactivateru,
    table_smshub,
)

LIBRARIES = (
    *table_smsactivate.LIBRARIES,
    *table_aiosmsactivate.LIBRARIES,
    *table_smsactivateru.LIBRARIES,
    *table_herosms.LIBRARIES,
    *table_grizzly.LIBRARIES,
    *table_smshub.LIBRARIES,
)
