"""Lets a real gateway work under everything at once, prints what it keeps, and judges; 1 if something is broken."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.plot import MOST_GROWTH, Terms, Verdict, soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    terms = Terms(asked.minutes * 60, asked.seed, say=lambda line: print(line, flush=True))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        verdict = asyncio.run(soak(Path(folder), terms))
    show(verdict)
    return 1 if verdict.complaints else 0


def show(verdict: Verdict) -> None:
    print(f"{verdict.base} at first")
    if verdict.end is not None:
        print(f"{verdict.end} at the end")
    for what, times in sorted(verdict.done.items()):
        print(f"{times:8} {what}")
    print(f"memory grew by {verdict.growth:.1f} KiB a minute after the warm-up, {MOST_GROWTH} are allowed")
    for complaint in verdict.complaints:
        print(f"BROKEN {complaint}")
    print(f"{len(verdict.complaints)} things are broken" if verdict.complaints else "all is well")


if __name__ == "__main__":
    sys.exit(main())
