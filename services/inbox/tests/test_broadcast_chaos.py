"""A broadcast while everything fails: workers killed, answers lost after the effect, every report told twice."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .broadcasting import act, broadcasting, read, ready, recipients, sent
from .house import House

ROOT = Path(__file__).parents[3]
RECIPIENTS = 200
MESSAGES = "/whatsapp/graph/v23.0/100000000000001/messages"


async def worker(house: House, sandbox_url: str) -> asyncio.subprocess.Process:
    """A process that feeds and sends."""
    arguments = ("benchmarks.broadcasts", "worker", house.place.url("inbox"), f"{sandbox_url}/whatsapp/graph")
    return await asyncio.create_subprocess_exec(sys.executable, "-m", *arguments, cwd=ROOT)


async def test_nobody_gets_it_twice_and_nobody_is_forgotten(house: House, outside: Sandbox) -> None:
    made, _ = await ready(house, RECIPIENTS)
    await house.faults(
        {
            "kind": "drop_after_effect",
            "match": {"method": "POST", "path": MESSAGES},
            "probability": 0.03,
            "seed": 7,
        }
    )
    await act(house, made["id"], "start")
    workers = [await worker(house, outside.url) for _ in range(3)]
    try:

        async def nobody_waits() -> bool:
            return bool((await read(house, made["id"]))["counts"]["waiting"] <= RECIPIENTS // 4)

        for turn in range(3):  # each takes what it held with it
            await asyncio.sleep(2.0)
            workers[turn].kill()
            workers.append(await worker(house, outside.url))
        await eventually(nobody_waits, within=90)
    finally:
        for each in workers:
            if each.returncode is None:
                each.kill()
            await each.wait()
    async with broadcasting(house, 2):

        async def all_left() -> bool:
            counts = (await read(house, made["id"]))["counts"]
            handed = await house.count(
                "SELECT count(*) FROM ledger_entries WHERE kind = 'inbox.broadcast'"
                " AND status IN ('pending', 'calling')"
            )
            return counts["waiting"] - counts["unknown"] <= 0 or not handed

        await eventually(all_left, within=90)
        left = await sent(house)
        for one in left:
            ours = one["body"]["biz_opaque_callback_data"]
            for _ in range(2):
                await house.report(one["id"], "delivered", ours=ours)
        await eventually(house.reduced, within=90)
        await house.forward(3700)

        async def ended() -> bool:
            return bool((await read(house, made["id"]))["state"] == "completed")

        await eventually(ended, within=90)
    left = await sent(house)
    told = Counter(each["body"]["biz_opaque_callback_data"] for each in left)
    rows = await recipients(house, made["id"])
    states = dict(Counter(each["state"] for each in rows))
    print(states, f"arrived {len(told)} of {RECIPIENTS}")  # noqa: T201 - the table that is asked for
    assert max(told.values()) == 1, "somebody got it twice"
    by_id = {each["id"]: each["state"] for each in rows}
    assert len(by_id) == RECIPIENTS
    assert {by_id[each] for each in told} <= {"delivered", "sent"}, "what arrived is known to have"
    assert all(by_id[each] == "unconfirmed" for each in by_id.keys() - told.keys()), "or nobody knows, and it says so"
