"""An answer with fresh tokens may be lost: the device that asked gets it once more, and nobody else does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.sessions.model import GRACE, LOST_LIFE, Limits, Session, Verdict
from contracts.auth import SessionReuseDetected, SessionsRevoked
from kit.ids import new_id

from .conftest import Forward
from .story import Person, Story, problem, text_of

ADA = "ada@example.com"
START = datetime(2026, 1, 1, tzinfo=UTC)


async def refresh(person: Person, token: str, device: str = "") -> httpx.Response:
    headers = {"device-token": device} if device else {}
    return await person.http.post("/v1/sessions/refresh", json={"refresh_token": token}, headers=headers)


async def test_the_device_that_never_got_the_answer_gets_the_same_again_once(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    first, device = ada.tokens["refresh_token"], ada.tokens["device_token"]
    lost = (await refresh(ada, first, device)).json()["refresh_token"]
    await forward(3600)
    again = await refresh(ada, first, device)
    assert (again.status_code, again.json()["refresh_token"]) == (200, lost)
    assert (await refresh(ada, first, device)).json()["refresh_token"] == lost, "all tabs, within ten seconds"
    await forward(11)
    assert problem(await refresh(ada, first, device)) == (401, "refresh-token-reused")
    assert problem(await refresh(ada, lost, device)) == (401, "session-ended")


async def test_whoever_goes_on_with_what_came_in_the_end_goes_on(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    token, device = ada.tokens["refresh_token"], ada.tokens["device_token"]
    for _ in range(4):
        await refresh(ada, token, device)  # lost
        await forward(3600)
        token = (await refresh(ada, token, device)).json()["refresh_token"]
        await forward(11)
    assert (await refresh(ada, token, device)).status_code == 200
    assert await story.told(SessionsRevoked) == []


@pytest.mark.parametrize("who", ["nobody", "another", "stranger"])
async def test_a_thief_without_the_devices_token_ends_the_family(story: Story, forward: Forward, who: str) -> None:
    ada, eve = await story.person(ADA), await story.person("eve@example.com")
    shown = {
        "nobody": "",
        "another": eve.tokens["device_token"],
        "stranger": story.parts.mints.device.make(new_id()),
    }[who]
    stolen, device = ada.tokens["refresh_token"], ada.tokens["device_token"]
    lost = (await refresh(ada, stolen, device)).json()["refresh_token"]
    await forward(11)
    assert problem(await refresh(ada, stolen, shown)) == (401, "refresh-token-reused")
    assert problem(await refresh(ada, lost, device)) == (401, "session-ended")
    (told,) = [each for each in await story.told(SessionReuseDetected) if isinstance(each, SessionReuseDetected)]
    assert (str(told.user_id), str(told.session_id)) == (ada.user_id, ada.tokens["session_id"])
    await story.deliver()
    assert "somebody else seems to have a copy" in text_of(story.postbox.to(ADA)[-1])


async def test_a_token_whose_successor_was_shown_is_spent(story: Story, forward: Forward) -> None:
    """The answer had arrived: whoever still shows the parent has a copy."""
    ada = await story.person(ADA)
    first, device = ada.tokens["refresh_token"], ada.tokens["device_token"]
    second = (await refresh(ada, first, device)).json()["refresh_token"]
    assert (await refresh(ada, second, device)).json()["refresh_token"] == second, "within the grace it stays"
    await forward(11)
    assert problem(await refresh(ada, first, device)) == (401, "refresh-token-reused")


async def test_after_a_day_no_answer_is_given_again(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    first, device = ada.tokens["refresh_token"], ada.tokens["device_token"]
    await refresh(ada, first, device)
    await forward(86_401)
    assert problem(await refresh(ada, first, device)) == (401, "refresh-token-reused")


# The rule by itself


def begun(device: UUID | None) -> Session:
    expires = START + timedelta(days=3650)
    return Session(new_id(), new_id(), 0, None, 0, None, START, expires, ended=False, device=device)


def used(session: Session, shown: int, verdict: Verdict, now: datetime) -> Session:
    """The session after a refresh, as `SessionRepository.save_use` stores it."""
    moved, retry = verdict is Verdict.ROTATE, verdict is Verdict.RETRY
    counter = session.counter + moved
    return replace(
        session,
        counter=counter,
        used_at=now,
        rotated_at=now if moved or retry else session.rotated_at,
        confirmed=not moved and (session.confirmed or shown == counter),
        retried=not moved and (session.retried or retry),
    )


LIMITS = Limits(timedelta(days=3650), timedelta(days=3650))
Steps = st.lists(st.tuples(st.booleans(), st.floats(0, LOST_LIFE.total_seconds() - 1)), max_size=80)


@given(steps=Steps)
def test_a_client_that_loses_every_other_answer_is_never_signed_out(steps: list[tuple[bool, float]]) -> None:
    device = uuid4()
    session, now, held, lost_one = begun(device), START, 0, False
    for lost, passes in steps:
        now += timedelta(seconds=passes)
        verdict = session.judge(held, now, 0, device=device, limits=LIMITS)
        assert verdict in (Verdict.ROTATE, Verdict.REPEAT, Verdict.RETRY)
        session = used(session, held, verdict, now)
        if lost and not lost_one:
            lost_one = True
        else:
            held, lost_one = session.counter, False


@given(steps=Steps, who=st.sampled_from([None, "another"]))
def test_beyond_the_grace_a_parent_is_worth_nothing_without_its_device(
    steps: list[tuple[bool, float]], who: str | None
) -> None:
    device, thief = uuid4(), None if who is None else uuid4()
    session, now, held = begun(device), START, 0
    for _, passes in steps:
        now += timedelta(seconds=passes)
        verdict = session.judge(held, now, 0, device=device, limits=LIMITS)
        session = used(session, held, verdict, now)
        held = session.counter
        if session.counter and session.rotated_at is not None:
            later = session.rotated_at + GRACE
            assert session.judge(session.counter - 1, later, 0, device=thief, limits=LIMITS) is Verdict.REUSED


@given(back=st.integers(2, 50), seconds=st.floats(0, 100_000))
def test_what_is_older_than_the_parent_is_reuse_on_any_device(back: int, seconds: float) -> None:
    device = uuid4()
    session = replace(begun(device), counter=100, rotated_at=START)
    now = START + timedelta(seconds=seconds)
    assert session.judge(100 - back, now, 0, device=device, limits=LIMITS) is Verdict.REUSED


@pytest.mark.parametrize(("idle", "absolute", "days"), [(1, 30, 1), (14, 5, 5)])
def test_the_limits_are_settings(idle: int, absolute: int, days: int) -> None:
    limits = Limits(timedelta(days=absolute), timedelta(days=idle))
    session = replace(begun(None), expires_at=START + limits.absolute)
    before, after = START + timedelta(days=days, seconds=-1), START + timedelta(days=days)
    assert session.judge(0, before, 0, limits=limits) is Verdict.ROTATE
    assert session.judge(0, after, 0, limits=limits) is Verdict.ENDED
