"""Effects that are about somebody who is forgotten: they are let go of, and nothing of them comes back."""

import asyncio

import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.ledger.errors import UnderWay
from kit.ledger.model import Entry, Receipt, Status

from .conftest import Bench, Sending, effect, until

KIND = ("sample.sending",)


async def counted(bench: Bench, organization_id: object) -> tuple[int, int]:
    async with bench.database.transaction(organization_id) as tx:  # type: ignore[arg-type]  # an organization's id
        entries = await tx.fetchval("SELECT count(*) FROM ledger_entries")
        return entries, await tx.fetchval("SELECT count(*) FROM ledger_attempts")


async def test_what_is_due_never_happens_and_of_what_happened_nothing_stays(bench: Bench, kind: Sending) -> None:
    organization = new_id()
    done, due, other = (effect(organization) for _ in range(3))
    await bench.add(done, other)
    async with bench.working():
        for each in (done, other):
            await bench.until(each, Status.DONE)
    await bench.add(due)
    async with bench.database.transaction(organization) as tx:
        gone = await bench.ledger.forget(tx, KIND, [done.subject_id, due.subject_id, new_id()])
    assert gone == {"ledger_entries": 2, "ledger_attempts": 1}
    async with bench.working():
        await bench.add(last := effect(organization))
        await bench.until(last, Status.DONE)
    assert due.subject_id not in {entry.subject_id for entry in kind.calls}
    assert await bench.status(other) is Status.DONE
    assert await counted(bench, organization) == (2, 2)


async def test_another_organizations_effects_are_out_of_reach(bench: Bench) -> None:
    theirs = effect(new_id())
    await bench.add(theirs)
    async with bench.database.transaction(new_id()) as tx:
        assert sum((await bench.ledger.forget(tx, KIND, [theirs.subject_id])).values()) == 0
    assert await bench.status(theirs) is Status.PENDING


async def test_a_call_under_way_is_not_pulled_away_and_a_late_answer_of_a_forgotten_one_leaves_nothing(
    bench: Bench, kind: Sending, database: Database
) -> None:
    organization, answer = new_id(), asyncio.Event()

    async def slow(entry: Entry) -> Receipt:
        await answer.wait()
        return Receipt(external_id=str(entry.subject_id))

    kind.answers = slow
    wanted = effect(organization)
    await bench.add(wanted)

    async def called() -> int:
        return len(kind.calls)

    async with bench.working():
        await until(called, equals=1)
        async with database.transaction(organization) as tx:
            with pytest.raises(UnderWay):
                await bench.ledger.forget(tx, KIND, [wanted.subject_id])
        async with database.transaction(organization) as tx:  # as when its lease has lapsed
            await tx.execute("UPDATE ledger_entries SET status = 'unknown', look_at = kit_now() + interval '1 hour'")
            await bench.ledger.forget(tx, KIND, [wanted.subject_id])
        answer.set()
        await bench.add(after := effect(organization, "another"))
        await bench.until(after, Status.DONE)
    assert await counted(bench, organization) == (1, 1)
    assert kind.statuses(wanted.subject_id) == []
