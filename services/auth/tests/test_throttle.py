"""Guessing is slowed down and stopped; whoever does not hold a device's token cannot keep its owner out."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.sessions.errors import TooManyAttempts
from auth.sign_ins.model import Visitor
from auth.throttle.model import LOCKED_WAIT, MOST_FAILURES, RULES, STUFFING, Count, Key, Scope, pause
from contracts.auth import AuthAuditRecorded
from kit.ids import new_id

from .conftest import Forward
from .story import GOOD, Person, Story, problem, text_of

ADA, NOBODY = "ada@example.com", "nobody@example.com"
WRONG = "wrong-password-55"
START = datetime(2026, 1, 1, tzinfo=UTC)


async def guess(story: Story, email: str, *, password: str = WRONG, device: str = "", address: str = "") -> int:
    headers = {"device-token": device} if device else {}
    headers |= {"x-forwarded-for": address} if address else {}
    answer = await story.http.post("/v1/sessions", json={"email": email, "password": password}, headers=headers)
    return answer.status_code


async def until_locked(story: Story, forward: Forward, email: str, device: str = "") -> None:
    """A hundred wrong guesses, with all the patience it takes."""
    done = 0
    while done < MOST_FAILURES:
        status = await guess(story, email, device=device)
        assert status in (401, 429)
        if status == 429:
            await forward(901)
        else:
            done += 1


def fresh(scope: Scope, now: datetime = START) -> Count:
    return Count(scope, b"k", now, now)


@pytest.mark.parametrize(
    ("scope", "guesses", "seconds"),
    [
        (Scope.ACCOUNT, 10, 0),
        (Scope.ACCOUNT, 11, 1),
        (Scope.ACCOUNT, 15, 16),
        (Scope.ACCOUNT, 20, 512),
        (Scope.ACCOUNT, 21, 900),
        (Scope.ACCOUNT, 99, 900),
        (Scope.ACCOUNT, 2**31, 900),
        (Scope.FACTOR, 11, 1),
        (Scope.DEVICE, 10, 0),
        (Scope.DEVICE, 20, 300),
        (Scope.DEVICE, 2**62, 300),
        (Scope.FACTOR_DEVICE, 20, 300),
        (Scope.ADDRESS, 30, 0),
        (Scope.ADDRESS, 33, 4),
        (Scope.ADDRESS, 1000, 60),
        (Scope.NETWORK, 150, 0),
        (Scope.NETWORK, 151, 1),
        (Scope.NETWORK, 10**9, 60),
    ],
)
def test_the_wait_doubles_up_to_a_longest_one_and_never_overflows(scope: Scope, guesses: int, seconds: int) -> None:
    assert pause(RULES[scope], guesses) == timedelta(seconds=seconds)


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("idle", [1, 1700, 1900, 3500, 3700, 86_400])
def test_what_is_recent_is_forgotten_with_time_and_what_is_in_a_row_is_not(scope: Scope, idle: int) -> None:
    count, now = fresh(scope), START
    for _ in range(12):
        now += timedelta(seconds=1)
        count = count.claimed(now)
    after = count.claimed(now + timedelta(seconds=idle))
    forgotten = idle + (12 if RULES[scope].in_windows else 0) >= RULES[scope].forgotten_after.total_seconds()
    assert after.recent == (1 if forgotten else 13)
    assert after.failures == 13


@pytest.mark.parametrize("scope", list(Scope))
def test_only_accounts_lock_and_places_never_do(scope: Scope) -> None:
    count = replace(fresh(scope), failures=MOST_FAILURES)
    expected = None if scope in (Scope.ADDRESS, Scope.NETWORK) else LOCKED_WAIT
    assert count.wait(START + timedelta(days=300)) == expected


def test_what_was_taken_back_counts_for_nothing() -> None:
    count = fresh(Scope.ACCOUNT)
    for _ in range(50):
        count = count.claimed(START).taken_back()
    assert (count.recent, count.failures, count.wait(START)) == (0, 0, None)
    assert count.taken_back().failures == 0


# The model: owner and attackers take turns in any order, at any pace

Turn = st.tuples(st.sampled_from(["attack", "typo", "owner"]), st.integers(0, 5), st.floats(0, 4000))


@given(turns=st.lists(Turn, max_size=150))
def test_no_interleaving_lets_an_attacker_without_the_token_lock_a_known_device(
    turns: list[tuple[str, int, float]],
) -> None:
    """Whatever strangers do, from however many places: the owner's right password is let in on the known device.

    The owner may mistype, a few times in a row.
    """
    counts: dict[Key, Count] = {}
    now, typos = START, 0

    def tried(keys: tuple[Key, ...], *, right: bool) -> bool:
        held = [counts.get(key, fresh(key[0], now)) for key in keys]
        if any(each.wait(now) is not None for each in held):
            return False
        for key, each in zip(keys, held, strict=True):
            after = each.claimed(now)
            if right and key[0] not in (Scope.ADDRESS, Scope.NETWORK):
                counts.pop(key, None)
            else:
                counts[key] = after.taken_back() if right else after.failed(b"ada")
        return True

    for who, where, passes in turns:
        now += timedelta(seconds=passes)
        if who == "attack":
            unknown = ((Scope.ACCOUNT, b"ada"), (Scope.ADDRESS, bytes([where])), (Scope.NETWORK, b"n"))
            tried(unknown, right=False)
        elif who == "typo" and typos < RULES[Scope.DEVICE].free - 1:
            typos += 1
            assert tried(((Scope.DEVICE, b"ada's"),), right=False)
        else:
            typos = 0
            assert tried(((Scope.DEVICE, b"ada's"),), right=True)


@given(st.lists(st.tuples(st.floats(0, 100_000), st.booleans()), max_size=400))
def test_nobody_has_more_than_a_hundred_wrong_guesses_in_a_row(steps: list[tuple[float, bool]]) -> None:
    count, now, wrong = fresh(Scope.ACCOUNT), START, 0
    for passes, right in steps:
        now += timedelta(seconds=passes)
        if count.wait(now) is not None:
            continue
        if right:
            count, wrong = fresh(Scope.ACCOUNT, now), 0
        else:
            count, wrong = count.claimed(now).failed(b"x"), wrong + 1
    assert wrong <= MOST_FAILURES


# Through the door


async def test_an_attacker_cannot_lock_out_the_owners_device(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    token = ada.tokens["device_token"]
    await until_locked(story, forward, ADA)
    assert await guess(story, ADA, password=GOOD) == 429, "an unknown device waits for the mail"
    assert await guess(story, ADA, password=GOOD, device=token) == 201
    await forward(40 * 86400)
    assert await guess(story, ADA, password=GOOD) == 429, "however long it waits"


async def test_a_locked_account_and_a_locked_nobody_are_answered_alike(story: Story, forward: Forward) -> None:
    await story.person(ADA)
    answers = []
    for email in (ADA, NOBODY):
        await until_locked(story, forward, email)
        answer = await story.sign_in(email)
        body = answer.json()
        answers.append((problem(answer), answer.headers["retry-after"], sorted(body), body["title"]))
    assert answers[0] == answers[1]
    assert answers[0][:2] == ((429, "too-many-attempts"), "3600")


async def test_the_mail_of_a_lock_unlocks_it_once(story: Story, forward: Forward) -> None:
    await story.person(ADA)
    await until_locked(story, forward, ADA)
    await story.deliver()
    mail = story.postbox.to(ADA)[-1]
    assert "unknown device" in text_of(mail)
    token = story.postbox.token(ADA)
    assert (await story.http.post("/v1/sessions/unlock", json={"token": token})).status_code == 204
    assert problem(await story.http.post("/v1/sessions/unlock", json={"token": token})) == (410, "unlock-link-used")
    assert (await story.sign_in(ADA)).status_code == 201
    junk = await story.http.post("/v1/sessions/unlock", json={"token": story.parts.mints.sign_in.make(new_id())})
    assert problem(junk) == (422, "unlock-link-malformed")
    lines = [each.action for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert lines.count("auth.user.locked") == lines.count("auth.user.unlocked") == 1


async def test_a_device_that_guesses_a_hundred_times_is_a_stranger(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    token = ada.tokens["device_token"]
    await until_locked(story, forward, ADA, token)
    assert await story.count("devices") == 0
    assert await guess(story, ADA, password=GOOD, device=token) == 201, "as from an unknown device"


async def test_the_device_of_somebody_else_is_an_unknown_one(story: Story) -> None:
    ada, eve = await story.person(ADA), await story.person("eve@example.com")
    for _ in range(30):
        await guess(story, ADA, device=eve.tokens["device_token"])
    assert await guess(story, ADA, device=eve.tokens["device_token"]) == 429
    assert await guess(story, ADA, password=GOOD, device=ada.tokens["device_token"]) == 201


@pytest.mark.parametrize("junk", ["x", "A" * 71, "🦊".encode().decode("latin-1")])
async def test_a_forged_device_token_is_none(story: Story, junk: str) -> None:
    await story.person(ADA)
    answer = await story.http.post(
        "/v1/sessions", json={"email": ADA, "password": GOOD}, headers={b"device-token": junk.encode("latin-1")}
    )
    assert answer.status_code == 201


async def test_an_organization_that_is_not_theirs_counts_as_no_guess(story: Story) -> None:
    await story.person(ADA)
    for _ in range(30):
        refused = await story.sign_in(ADA, organization_id=str(new_id()))
        assert problem(refused) == (404, "organization-not-found")
    assert (await story.sign_in(ADA)).status_code == 201


async def test_going_on_by_refresh_forgives_nothing(story: Story) -> None:
    ada = await story.person(ADA)
    for _ in range(11):
        await guess(story, ADA)
    assert (await ada.refresh()).status_code == 200
    assert await guess(story, ADA) == 429


async def test_many_failures_from_one_address_slow_it_down_on_every_account(story: Story) -> None:
    await story.person(ADA)
    for at in range(31):
        assert await guess(story, f"somebody-{at}@example.com", address="192.0.2.7") in (401, 429)
    assert await guess(story, ADA, password=GOOD, address="192.0.2.7") == 429
    assert await guess(story, ADA, password=GOOD, address="198.51.100.9") == 201


async def test_a_list_tried_from_one_network_makes_the_whole_network_wait(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    for at in range(40):
        await guess(story, f"listed-{at}@example.com", address=f"192.0.2.{at}")
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    (told,) = (each for each in lines if each.action == "auth.network.suspected")
    assert told.details["identifiers"] == STUFFING
    assert await guess(story, ADA, password=GOOD, address="192.0.2.200") == 429
    assert await guess(story, ADA, password=GOOD, address="198.51.100.9") == 201
    assert await guess(story, ADA, password=GOOD, device=ada.tokens["device_token"], address="192.0.2.200") == 201
    await forward(2 * 3600)
    assert await guess(story, ADA, password=GOOD, address="192.0.2.200") == 201


async def test_no_address_is_stored_open(story: Story) -> None:
    await guess(story, NOBODY, address="192.0.2.7")
    rows = await story.admin("SELECT t::text AS text FROM throttles AS t")
    assert {row["text"].split(",")[0].strip("(") for row in rows} == {"account", "address", "network"}
    assert not any("192.0.2" in row["text"] or "c0000207" in row["text"] for row in rows)


async def test_a_second_factor_is_counted_by_account_and_device_alike(story: Story) -> None:
    ada = await story.person(ADA)
    user_id, throttle = UUID(ada.user_id), story.parts.throttle
    known = Visitor(device=story.parts.mints.device.read(ada.tokens["device_token"]).ids[0])

    async def wrong(visitor: Visitor) -> bool:
        try:
            attempt = await throttle.claim_factor(user_id, visitor)
        except TooManyAttempts:
            return False
        async with story.database.transaction() as tx:
            await throttle.verdict(tx, attempt, right=False)
        return True

    assert sum([await wrong(Visitor()) for _ in range(20)]) <= 12
    assert not await wrong(Visitor())
    attempt = await throttle.claim_factor(user_id, known)
    async with story.database.transaction() as tx:
        await throttle.verdict(tx, attempt, right=True)
    await throttle.withdraw(await throttle.claim_factor(user_id, known))
    assert (await story.sign_in(ADA)).status_code == 201, "passwords are counted apart"


async def test_guesses_at_once_from_many_places_neither_deadlock_nor_slip_through(story: Story) -> None:
    ada = await story.person(ADA)
    attacks = [guess(story, ADA, address=f"192.0.2.{at % 7}") for at in range(60)]
    owner = [
        guess(story, ADA, password=GOOD, device=ada.tokens["device_token"], address="192.0.2.1") for _ in range(5)
    ]
    found = await asyncio.gather(*attacks, *owner)
    assert found[60:] == [201] * 5
    assert found[:60].count(401) <= 13


async def test_a_person_that_proves_an_address_begins_anew(story: Story) -> None:
    ada: Person = await story.person(ADA)
    for _ in range(12):
        await guess(story, ADA)
    rows = await story.admin("SELECT blind FROM identities")
    async with story.database.transaction() as tx:
        assert await story.parts.throttle.forget(tx, UUID(ada.user_id), rows[0]["blind"]) == 1
    assert (await story.sign_in(ADA)).status_code == 201
