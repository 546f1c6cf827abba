"""The page about libraries says what the tables say that the tests run."""

import os

from tests.clients.page import PAGE, page


def test_the_page_is_made_of_the_tables():
    if os.environ.get("WRITE_PAGES"):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "make it anew with WRITE_PAGES=1 scripts/test tests/clients"
