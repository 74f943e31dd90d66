"""What becomes of an effect, from the moment it is put in."""

import asyncio

from kit.ids import new_id
from kit.ledger.model import Effect, Found, Lane, NotAccepted, NotFound, Parked, Receipt, Refused, Status, Unanswered

from .conftest import Bench, Sending, effect, until


async def test_an_effect_is_called_once_and_recorded_with_its_answer(bench: Bench, kind: Sending) -> None:
    first = effect(new_id())
    await bench.add(first)
    async with bench.working():
        await bench.until(first, Status.DONE)
    assert [entry.id for entry in kind.calls] == [first.id]
    assert kind.statuses(first.subject_id) == [Status.DONE]
    assert await bench.outcomes(first) == ["done"]


async def test_the_platforms_own_effects_have_no_organization(bench: Bench, kind: Sending) -> None:
    own = effect(None)
    await bench.add(own)
    async with bench.working():
        await bench.until(own, Status.DONE)
    assert kind.calls[0].organization_id is None


async def test_a_refusal_is_the_end(bench: Bench, kind: Sending) -> None:
    async def refuses(_: object) -> Receipt:
        raise Refused("Duplicate post.", code="duplicate", said="422 bearer abcdefghi")

    kind.answers = refuses
    first = effect(new_id())
    await bench.add(first)
    async with bench.working():
        await bench.until(first, Status.REFUSED)
    async with bench.database.transaction(*filter(None, [first.lane.organization_id])) as tx:
        tried = await bench.ledger.attempts(tx, [first.kind], [first.subject_id])
    (attempt,) = tried[first.subject_id]
    assert (attempt.outcome, attempt.code, attempt.said) == ("refused", "duplicate", "422 bearer [redacted]")


async def test_what_was_proven_not_accepted_is_tried_again(bench: Bench, kind: Sending) -> None:
    async def takes_the_third(_: object) -> Receipt:
        if len(kind.calls) < 3:
            raise NotAccepted("Later.", retry_after=0.02)
        return Receipt("x")

    kind.answers = takes_the_third
    first = effect(new_id())
    await bench.add(first)
    async with bench.working():
        await bench.until(first, Status.DONE)
    assert [entry.attempt for entry in kind.calls] == [1, 2, 3]
    assert kind.statuses(first.subject_id) == [Status.PENDING, Status.PENDING, Status.DONE]


async def test_what_was_not_answered_is_looked_for_and_found(bench: Bench, kind: Sending) -> None:
    async def silent(_: object) -> Receipt:
        raise Unanswered("Connection lost.")

    async def sees(_: object) -> Found:
        return Found(Receipt("seen"))

    kind.answers, kind.sees = silent, sees
    first = effect(new_id())
    await bench.add(first)
    async with bench.working():
        await bench.until(first, Status.DONE)
    assert len(kind.calls) == 1
    assert kind.statuses(first.subject_id) == [Status.UNKNOWN, Status.DONE]
    assert kind.recorded[-1].by == "look"


async def test_what_was_looked_for_twice_and_is_absent_is_called_again(bench: Bench, kind: Sending) -> None:
    async def silent_once(_: object) -> Receipt:
        if len(kind.calls) == 1:
            raise Unanswered("Connection lost.")
        return Receipt("x")

    kind.answers = silent_once
    first = effect(new_id())
    await bench.add(first)
    async with bench.working():
        await bench.until(first, Status.DONE)
    assert len(kind.looks) == 2
    assert await bench.outcomes(first) == ["unanswered", "not_found", "absent", "done"]


async def test_what_is_proven_not_to_have_happened_is_called_again_after_one_look(
    bench: Bench, kind: Sending
) -> None:
    async def silent_once(_: object) -> Receipt:
        if len(kind.calls) == 1:
            raise Unanswered("Connection lost.")
        return Receipt("x")

    async def told_for_certain(_: object) -> NotFound:
        return NotFound("it still waits for it", proven=True)

    kind.answers, kind.sees = silent_once, told_for_certain
    first = effect(new_id())
    await bench.add(first)
    async with bench.working():
        await bench.until(first, Status.DONE)
    assert await bench.outcomes(first) == ["unanswered", "absent", "done"]


async def test_a_dead_token_holds_the_lane_until_it_is_released(bench: Bench, kind: Sending) -> None:
    async def dead(_: object) -> Receipt:
        raise Parked("Reconnect the account.")

    kind.answers = dead
    organization_id = new_id()
    first, second = effect(organization_id), effect(organization_id)
    await bench.add(first)
    async with bench.working():
        await until(lambda: _held(bench, first), equals="Reconnect the account.")
        await bench.add(second)
        kind.answers = Sending().answers
        assert await bench.status(second) is Status.PENDING
        async with bench.database.transaction(organization_id) as tx:
            await bench.ledger.release(tx, organization_id, "lane")
        await bench.until(first, Status.DONE)
        await bench.until(second, Status.DONE)


async def _held(bench: Bench, one: Effect) -> str | None:
    async with bench.database.transaction(*filter(None, [one.lane.organization_id])) as tx:
        return (await bench.ledger.states(tx, one.kind, [one.subject_id]))[one.subject_id].held


async def test_a_call_that_began_before_the_account_was_reconnected_does_not_hold_it_again(
    bench: Bench, kind: Sending
) -> None:
    organization_id, reconnected = new_id(), asyncio.Event()

    async def dead_until_then(_: object) -> Receipt:
        if not reconnected.is_set():
            await reconnected.wait()
            raise Parked("Reconnect the account.")
        return Receipt("x")

    kind.answers = dead_until_then
    first = effect(organization_id)
    await bench.add(first)
    async with bench.working():
        await until(lambda: asyncio.sleep(0, len(kind.calls)), equals=1)
        async with bench.database.transaction(organization_id) as tx:
            await bench.ledger.release(tx, organization_id, "lane")
        reconnected.set()
        await bench.until(first, Status.DONE)
    assert kind.statuses(first.subject_id) == [Status.PENDING, Status.DONE]


async def test_a_lane_of_the_platforms_own_is_held_and_released_like_any_other(bench: Bench, kind: Sending) -> None:
    async def dead(_: object) -> Receipt:
        raise Parked("The mail server refuses our login.")

    kind.answers = dead
    own = effect(None)
    await bench.add(own)
    async with bench.working():
        await until(lambda: _held(bench, own), equals="The mail server refuses our login.")
        kind.answers = Sending().answers
        async with bench.database.transaction() as tx:
            await bench.ledger.release(tx, None, "lane")
        await bench.until(own, Status.DONE)


async def test_a_lane_that_somebody_is_changing_delays_no_other(bench: Bench, kind: Sending) -> None:
    ours, theirs = new_id(), effect(new_id())
    async with bench.database.transaction(ours) as tx:
        await bench.ledger.set_rate(tx, Lane(ours, "lane", 5.0))
    await bench.add(effect(ours, rate=5.0))
    async with bench.database.transaction(ours) as changing:
        await bench.ledger.set_rate(changing, Lane(ours, "lane", 7.0))
        await bench.add(theirs)
        async with bench.working():
            await bench.until(theirs, Status.DONE)
    assert [entry.subject_id for entry in kind.calls] == [theirs.subject_id]
