"""A copy of the books, made while they are in use."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from proxy.errors import StoreClosed
from proxy.store import ids

SKIPPED = 1_000_000
"""Ids that a gateway on the copy leaves out: more than are given away between a copy and the failure that needs it."""
BESIDE = ("-wal", "-journal")


def copy_books(source: str, target: str, *, force: bool = False) -> int:
    """Copy the books as they are at this moment, durably and whole or not at all; the size in bytes.

    Raises StoreClosed with what to do.
    """
    books, copy = Path(source), Path(target)
    _check(books, copy, force)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{copy.name}.", dir=copy.parent) as folder:
            part = Path(folder) / copy.name
            _copy(books, part)
            shutil.copymode(books, part)
            _sync(part)
            size = part.stat().st_size
            part.replace(copy)
        _sync(copy.parent)
    except (sqlite3.Error, OSError) as exc:
        raise StoreClosed(f"cannot copy {source} to {target}: {getattr(exc, 'strerror', None) or exc}") from exc
    return size


def _check(books: Path, copy: Path, force: bool) -> None:
    if not books.is_file():
        raise StoreClosed(f"there is no database {books}")
    if copy.exists() and copy.samefile(books):
        raise StoreClosed(f"{copy} is the database itself")
    if copy.exists() and not force:
        raise StoreClosed(f"{copy} is there already; --force replaces it")
    for ending in BESIDE:
        # SQLite would take what stands there for a part of the copy.
        if (rest := Path(f"{copy}{ending}")).exists():
            raise StoreClosed(f"{rest} is there: {copy} is a database in use, or was; choose another name")


def _copy(books: Path, part: Path) -> None:
    with closing(sqlite3.connect(books.absolute().as_uri() + "?mode=rw", uri=True)) as source:
        source.execute("PRAGMA query_only = ON")
        # What is read from here on is one moment's, and a lock is an error now instead of a wait without end later.
        source.execute("BEGIN")
        if source.execute("PRAGMA user_version").fetchone() == (0,):
            raise sqlite3.DatabaseError("it holds no books")
        with closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
            with copy:
                ids.skip(copy, SKIPPED)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
