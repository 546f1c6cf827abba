"""The gateway and its yardsticks, measured in turn in one run; figures are ratios, with their spread."""

import argparse
import os
from collections.abc import Callable
from contextlib import ExitStack

from fairness import faults, flood
from scale import full, idle, memory, start
from servers import CORES, LOAD_CORE, Bench
from speed import added, poll, purchase

ROWS: dict[str, Callable[[Bench], None]] = {
    row.__name__: row for row in (poll, full, purchase, added, flood, faults, start, memory, idle)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="which rows; all if left out")
    parser.add_argument("--quick", action="store_true", help="a first look: one short round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds = 1, 2.0
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"{asked.rounds} rounds of {asked.seconds:g} s; medians, least and most; each server on one core")
    if len(CORES) < 2:
        print("only one core: load and servers share it, so the figures say little")
    for name in asked.rows or ROWS:
        with ExitStack() as stack:
            ROWS[name](Bench(stack, asked.seconds, asked.rounds))


if __name__ == "__main__":
    main()
