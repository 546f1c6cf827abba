"""The house's rules about its own code: who may know whom, what a room may import, how a file looks."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
FILES = sorted((TOP / "proxy").rglob("*.py"))
SOURCES = [*FILES, *sorted((TOP / "tests").rglob("*.py"))]
LONGEST = 400

USE_CASES = {"gateway", "config", "catalog", "providers", "store", "domain", "errors", "clock"}
MAY_KNOW: dict[str, set[str] | None] = {  # room: the rooms that it may import; None: everyone
    "errors": set(),
    "clock": set(),
    "domain": {"errors"},
    "catalog": {"domain"},
    "config": {"domain", "catalog", "errors"},
    "providers": {"domain", "errors", "clock"},
    "store": {"domain", "errors", "clock"},
    "gateway": USE_CASES,
    "stub": USE_CASES,
    "webhooks": USE_CASES,
    "pollers": USE_CASES,
    "dashboard": USE_CASES,
    "sandbox": {"clock", "domain"},
    "connection": set(),
    "app": None,
    "server": None,
    "cli": None,
    "__main__": None,
}
WATCHED = {"asyncio", "threading", "socket", "signal", "subprocess", "sqlite3", "os", "sys", "time"}
"""Of the standard library: what only some rooms have a reason for."""
MAY_USE: dict[str, set[str]] = {  # room: the watched modules and the libraries that it may import
    "errors": set(),
    "clock": {"asyncio", "time"},
    "domain": set(),
    "catalog": set(),
    "config": {"yaml"},
    "providers": {"asyncio", "httpx", "aiohttp", "yarl"},
    "store": {"asyncio", "threading", "sqlite3", "aiosqlite", "os"},
    "gateway": {"asyncio"},
    "stub": {"asyncio"},
    "webhooks": {"asyncio", "socket", "httpx", "starlette"},
    "pollers": {"asyncio"},
    "dashboard": {"starlette", "prometheus_client"},
    "sandbox": {"asyncio", "httpx", "starlette"},
    "app": {"asyncio", "httpx", "starlette", "prometheus_client"},
    "connection": {"asyncio", "httptools", "uvicorn"},
    "server": {"asyncio", "signal", "socket", "uvicorn"},
    "cli": {"asyncio", "os", "sys", "click", "uvicorn", "uvloop"},
    "__main__": set(),
}
WITHOUT_ROOM = {"crash", "clients", "browser", "exchanges", "promises", "simulation", "soak", "strangers"}
"""Folders of tests that are about the whole house."""


def module_of(path: Path) -> str:
    """The dotted name of a file of ours."""
    parts = path.relative_to(TOP).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}
ROOMS = {name.split(".")[1] for name in MODULES if "." in name}


TREES = {path: ast.parse(path.read_text()) for path in SOURCES}
"""Read before any test runs: what a test leaves behind may be reported while the parser works, which upsets it."""


def tree_of(path: Path) -> ast.Module:
    return TREES[path]


def room_of(path: Path) -> str:
    return path.relative_to(TOP / "proxy").with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever the import stands; of a package's modules their full names."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute here"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def label(path: Path) -> str:
    return str(path.relative_to(TOP))


each_file = pytest.mark.parametrize("path", FILES, ids=label)


def test_every_room_has_its_row():
    assert ROOMS == set(MAY_KNOW) == set(MAY_USE)


@each_file
def test_a_room_imports_only_rooms_that_it_may_know(path: Path):
    room = room_of(path)
    if room == "__init__":
        assert not list(imported(path))
        return
    known = {name.split(".")[1] for name in imported(path) if name.startswith("proxy.")} - {room}
    allowed = MAY_KNOW[room]
    assert allowed is None or known <= allowed


@each_file
def test_a_room_imports_only_libraries_that_it_may_use(path: Path):
    tops = {name.split(".")[0] for name in imported(path)} - {"proxy"}
    libraries = {top for top in tops if top in WATCHED or top not in sys.stdlib_module_names}
    assert libraries <= MAY_USE.get(room_of(path), set())


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) == "sandbox"], ids=label)
def test_the_stand_ins_know_nothing_of_the_house_but_time_and_money(path: Path):
    ours = {name for name in imported(path) if name.startswith("proxy.")}
    assert {name for name in ours if not name.startswith("proxy.sandbox")} <= {"proxy.clock", "proxy.domain.money"}


@each_file
def test_only_the_composition_root_and_the_commands_know_the_stand_ins(path: Path):
    knows = any(name.startswith("proxy.sandbox") for name in imported(path))
    assert not knows or room_of(path) in {"sandbox", "app", "cli"}


def test_there_is_no_cycle_of_imports():
    graph = {name: {found for found in imported(path) if found in MODULES} for name, path in MODULES.items()}
    while free := {name for name, knows in graph.items() if not knows & graph.keys()}:
        graph = {name: knows for name, knows in graph.items() if name not in free}
    assert not graph


@each_file
def test_nothing_is_imported_inside_a_function(path: Path):
    functions = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = [node for function in functions for node in ast.walk(function)]
    assert not [node.lineno for node in inside if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_every_module_opens_with_a_docstring(path: Path):
    assert ast.get_docstring(tree_of(path))


@each_file
def test_a_file_is_read_in_one_sitting(path: Path):
    lines = path.read_text().count("\n")
    assert lines < LONGEST


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_nothing_is_left_to_do(path: Path):
    assert not re.search("TO" + "DO|FIX" + "ME", path.read_text())


@each_file
def test_nothing_is_printed(path: Path):
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def test_every_folder_of_tests_mirrors_a_room():
    folders = {path.name for path in (TOP / "tests").iterdir() if any(path.glob("**/*.py"))}
    assert folders - WITHOUT_ROOM <= ROOMS
