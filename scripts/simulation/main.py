"""Plays histories one after the other and prints those in which a promise was broken; or shows who finds which bug."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.simulation.history import play
from tests.simulation.mutants import MUTANTS, put_in


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="FIRST", help="of the first history; the others follow")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S", help="begin none after so many")
    parser.add_argument("--mutants", action="store_true", help="which seed finds which bug that is put in on purpose")
    asked = parser.parse_args()
    return show_mutants() if asked.mutants else play_all(asked.seed, asked.histories, asked.seconds)


def play_all(first: int, histories: int, seconds: float) -> int:
    """Every history, with the whole story of those that went wrong; 1 if there were any."""
    begun, played, wrong = time.monotonic(), 0, []
    for seed in range(first, first + histories):
        if time.monotonic() - begun > seconds:
            break
        verdict = play(seed)
        played += 1
        if verdict.complaints:
            wrong.append(seed)
            print(verdict, flush=True)
    took = time.monotonic() - begun
    print(f"{played} histories in {took:.0f} s ({played / took:.1f} a second), wrong: {wrong or 'none'}")
    return 1 if wrong else 0


def show_mutants() -> int:
    missed = 0
    for mutant in MUTANTS:
        with put_in(mutant):
            verdict = next((v for seed in mutant.seeds if (v := play(seed)).complaints), None)
        missed += verdict is None
        found = "not found" if verdict is None else f"seed {verdict.seed:3}  {verdict.complaints[0][:90]}"
        print(f"{mutant.name:56} {found}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
