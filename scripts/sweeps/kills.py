"""The long form of tests/crash: many kills, each at another moment, on one database that is never given a rest."""

import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.process import Program, serve
from tests.stage import Stage, surroundings

PURCHASES = {"getatext": "rent-a-number-premium", "getsms": "request"}
AT_ONCE = 8
"""Purchases under way when the kill comes; half of them at a provider that takes its time."""


async def one_kill(it: Stage, run: Program, chance: random.Random) -> list[str]:
    """Buy, and kill at a random moment; what clients were told before it."""
    for provider, endpoint in PURCHASES.items():
        getattr(it, provider).fault(
            "slow", endpoint, amount=chance.uniform(0, 0.3), times=AT_ONCE // 4, handled=chance.random() < 0.5
        )
    asked = [it.ask("getNumber", service="wa", providerIds=chance.choice(list(PURCHASES))) for _ in range(AT_ONCE)]
    buying = [asyncio.ensure_future(one) for one in asked]
    await asyncio.sleep(chance.uniform(0, 0.35))
    await run.kill()
    answers = await asyncio.gather(*buying, return_exceptions=True)
    for provider in PURCHASES:
        getattr(it, provider).clear_faults()
    return [answer.split(":")[2] for answer in answers if isinstance(answer, str) and answer.count(":") == 2]


async def account(it: Stage) -> Counter[str]:
    """Compare books and providers. Raises AssertionError when something is lost or doubled."""
    activations = await everything(it, "activations")
    attempts = await everything(it, "attempts")
    outcomes = Counter(row["outcome"] for row in attempts)
    rentals = {(box.kind, "1" + one.number, str(one.id)) for box in (it.getsms, it.getatext) for one in box.rentals}
    booked = {(row["provider"], row["phone"], row["upstream_id"]) for row in activations}
    assert len(booked) == len(activations), "a rental was booked twice"
    assert booked <= rentals, "an activation without a rental"
    assert outcomes["buying"] == 0, "an attempt is still buying"
    assert outcomes["bought"] == len(booked), "bought attempts and activations differ"
    assert len(rentals) <= outcomes["bought"] + outcomes["unknown"], "a rental that nobody accounts for"
    return outcomes + Counter(rentals=len(rentals), activations=len(booked))


async def everything(it: Stage, what: str) -> list[dict]:
    rows: list[dict] = []
    while page := await it.admin(what, limit=1000, **({"before": rows[-1]["id"]} if rows else {})):
        rows += page
    return rows


async def main(kills: int, seed: int) -> None:
    chance = random.Random(seed)
    told: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        async with surroundings(Path(folder), poll=0.5, getatext_extra="tier: premium") as it:
            for sandbox in (it.getsms, it.getatext):
                sandbox.set_balance(10**12)
            for number in range(1, kills + 1):
                async with serve(it) as run:
                    told |= set(await one_kill(it, run, chance))
                if number % 10 == 0 or number == kills:
                    async with serve(it):
                        counts = await account(it)
                        phones = {row["phone"] for row in await everything(it, "activations")}
                        assert told <= phones, "a client was told a number that is not in the books"
                    print(f"{number} kills: {dict(counts)}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*(int(word) for word in (*sys.argv[1:], *("200", "1")[len(sys.argv) - 1 :]))))
