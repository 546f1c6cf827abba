"""The page of what the providers can do: complete as far as the adapters go, and every test that it names is there."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "providers.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| endpoint", "| command"))
]
GETATEXT = "\n".join(path.read_text() for path in sorted((TOP / "proxy" / "providers").glob("getatext*.py")))
COMMANDS = set(re.findall(r'ask\(\s*"([a-z_]+)"', (TOP / "proxy" / "providers" / "getsms.py").read_text()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_shows_it_is_there(row: list[str]):
    assert len(row) == 3
    path, _, name = row[2].strip("`").partition("::")
    assert (TOP / path).is_file(), path
    assert f"def {name}(" in (TOP / path).read_text() if name else True, name


@pytest.mark.parametrize("row", [row for row in ROWS if "/api/v1/" in row[0]], ids=lambda row: row[0])
def test_an_endpoint_that_is_used_stands_in_the_adapter(row: list[str]):
    path = re.search(r"/api/v1/([a-z-]+)(?:/\{[a-z]+\})?(?:/([a-z-]+))?", row[0])
    assert path is not None
    for step in filter(None, path.groups()):
        assert {step.removesuffix("-premium"), step.replace("-", "_")} & set(re.findall(r"[a-z_-]+", GETATEXT)), step


def test_every_command_that_the_adapter_uses_stands_in_the_table_and_no_other():
    told = {found[1] for row in ROWS if (found := re.match(r"`([a-z_]+)`", row[0]))}
    assert told == COMMANDS
