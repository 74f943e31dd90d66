"""A user is handed over, and forgotten: every table that the data map names, every column."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

import orjson
import pytest

from auth.passwords.hashing import Passwords
from contracts.auth import AuthExportPartReady, InvitationRevoked, MemberRemoved, SessionsRevoked
from kit.db.database import Transaction
from kit.ids import new_id
from kit.privacy.counting import Count
from kit.privacy.holding import Erased, File, Holding, Holdings, Rows
from kit.privacy.person import Person as Subject
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Died, Mortal

from .conftest import Forward
from .forgetting import (
    ADA,
    ANONYMISED,
    BOB,
    CAROL,
    GOES_WITH_TIME,
    KEPT,
    MAP,
    Asking,
    live,
    photograph,
    places,
    tables_about,
    traces,
    user,
)
from .story import GOOD, Story, problem, settings


@pytest.fixture
def asking(story: Story) -> Asking:
    return Asking(story)


async def test_every_table_about_people_is_held_by_a_noun(story: Story) -> None:
    held: set[str] = set().union(*(each.tables for each in story.parts.holdings.holdings))
    assert held == tables_about("user", "address")


async def test_what_is_kept_of_a_user_is_handed_over_from_every_table(story: Story, asking: Asking) -> None:
    life = await live(story)
    before = await photograph(story)
    rows = await asking.exported(user(life.bob))

    missing = tables_about("user", "address") - {name for name, found in rows.items() if found}
    assert not missing, f"the holdings of auth hand nothing over of {missing}"
    (answer,) = await story.told(AuthExportPartReady)
    assert isinstance(answer, AuthExportPartReady)
    assert answer.organization_id is None
    assert {name: count for name, count in answer.rows.items() if count} == {
        name: len(found) for name, found in rows.items()
    }
    assert [each.get("email", each.get("phone")) for each in rows["identities"]] == [BOB, "+4915123456781"]
    assert {(each["organization"], each["role"]) for each in rows["members"]} == {
        ("Acme", "admin"),
        ("Bob's", "owner"),
    }
    received = [each for each in rows["invitations"] if each["direction"] == "received"]
    assert {(each["organization_id"], each["email"]) for each in received} == {(life.acme, BOB), (life.carols, BOB)}
    sent = [each for each in rows["invitations"] if each["direction"] == "sent"]
    assert {each["organization_id"] for each in sent} == {life.acme, life.bobs}
    assert {each["template"] for each in rows["outgoing_mails"]} == {
        "verify",
        "invitation",
        "security-notice",
        "announcement",
    }
    assert {each["address"] for each in rows["outgoing_mails"]} == {BOB, None}  # None: withdrawn, as unwanted
    assert len(rows["sessions"]) == 2
    assert rows["mail_preferences"][0]["unwanted"] == ["invitations"]
    assert [each["reason"] for each in rows["mail_suppressions"]] == ["unsubscribed"]
    whole = orjson.dumps(rows).decode()
    for foreign in (ADA, CAROL, "dave", GOOD, "hash", "blind", "sealed", "counter", life.ada.user_id):
        assert foreign not in whole, foreign
    after = await photograph(story)
    unchanged = set(after) - {"outbox", "privacy_tasks", "processed_messages"}
    assert all(after[name] == before[name] for name in unchanged), "handing over changes nothing"


@pytest.mark.parametrize("way", ["erase", "anonymise"])
async def test_after_an_erasure_nothing_leads_to_the_user_and_the_other_is_as_before(
    story: Story, asking: Asking, way: str
) -> None:
    life = await live(story)
    before, wanted, others = await photograph(story), await traces(story, life.bob), await traces(story, life.ada)
    for name in tables_about("user", "address"):
        assert before[name], f"let somebody's life fill {name}, so that this test sees it go"
    told = len(await story.told())
    (held,) = await story.admin("SELECT epoch FROM users WHERE id = $1", UUID(life.bob.user_id))
    epoch = held["epoch"]
    await asking.erasure(user(life.bob), way)
    await asking.work()

    after = await photograph(story)
    assert places(after, wanted) <= GOES_WITH_TIME | set(KEPT)
    for name in set(after) - GOES_WITH_TIME:
        for row in before[name] - after[name]:
            foreign = any(trace in row for trace in others) and not any(trace in row for trace in wanted)
            assert not foreign, f"something of another is gone from {name}"
    (answer,) = await asking.answers()
    assert (answer.outcome, answer.anonymised, answer.version) == ("done", ANONYMISED, 1)
    assert answer.kept == dict.fromkeys(KEPT, 1)
    assert answer.kept_because == KEPT
    for name, count in answer.removed.items():
        made = name == "revocations"  # what ended by this itself
        assert count == (before[name] - after[name]).total() - 2 * (name == "invitations") + made, name
    assert {each.partition(":")[0] for each in answer.keys} == {
        f"{life.acme}/invitation",
        f"{life.carols}/invitation",
    }
    async with story.database.transaction(UUID(life.acme), UUID(life.bobs), UUID(life.carols)) as tx:
        assert await Count(MAP).rows(tx, user(life.bob)) == {"revocations": 1}

    heard = (await story.told())[told:]
    ended = [each for each in heard if isinstance(each, MemberRemoved)]
    assert {(str(each.organization_id), str(each.user_id), each.version) for each in ended} == {
        (life.acme, life.bob.user_id, 2),
        (life.bobs, life.bob.user_id, 2),
    }
    revoked = [each for each in heard if isinstance(each, SessionsRevoked)]
    assert [(str(each.user_id), each.session_id, each.epoch) for each in revoked] == [
        (life.bob.user_id, None, epoch + 1),
        (life.bob.user_id, None, epoch + 2),
    ]
    (withdrawn,) = (each for each in heard if isinstance(each, InvitationRevoked))
    assert (str(withdrawn.organization_id), withdrawn.version) == (life.carols, 2)
    assert ADA.replace("Lovelace-House", "lovelace-house") in await life.ada.members(life.acme)


async def test_who_is_forgotten_is_nobody_and_may_come_again_as_somebody_new(story: Story, asking: Asking) -> None:
    life = await live(story)
    await asking.erasure(user(life.bob))
    await asking.work()
    assert problem(await story.sign_in(BOB)) == problem(await story.sign_in("nobody@else.test"))
    assert (await life.bob.refresh()).status_code == 401
    for method, path, body in (
        ("GET", "/v1/me", None),
        ("GET", f"/v1/organizations/{life.acme}", None),
        ("POST", "/v1/organizations", {"name": "Again"}),
        ("DELETE", "/v1/sessions", None),
        ("PUT", "/v1/mail-preferences", {"items": [{"category": "invitations", "wanted": True}]}),
    ):
        answer = await life.bob.call(method, path, json=body, headers={"if-match": '"v0"'})
        assert answer.status_code in (401, 404), (method, path, answer.text)

    again = await story.person(BOB)
    assert again.user_id != life.bob.user_id
    assert (await again.call("GET", "/v1/organizations")).json()["items"] == []
    mine = (await again.call("GET", "/v1/mail-preferences")).json()
    (invitations,) = [each for each in mine["items"] if each["category"] == "invitations"]
    assert not invitations["wanted"], "who wanted no invitations still gets none"
    assert (await life.ada.invite(life.acme, BOB)).status_code == 201


async def test_a_last_owner_is_blocked_until_somebody_else_owns_it(
    story: Story, asking: Asking, forward: Forward
) -> None:
    life = await live(story)
    before = await photograph(story)
    await asking.erasure(user(life.ada))
    await asking.work()
    (answer,) = await asking.answers()
    assert (answer.outcome, answer.blocked_by, answer.removed) == ("blocked", "last_owner", {})
    after = await photograph(story)
    assert all(after[name] == before[name] for name in set(after) - GOES_WITH_TIME), "nothing was changed"
    assert (await life.ada.call("GET", "/v1/me")).status_code == 200

    bobs = (await life.ada.members(life.acme))[BOB]["id"]
    path = f"/v1/organizations/{life.acme}/members/{bobs}"
    assert (await life.ada.call("PATCH", path, json={"role": "owner"})).status_code == 200
    await forward(3601)
    await asking.work()
    _, answer = await asking.answers()
    assert (answer.outcome, answer.blocked_by, answer.version) == ("done", None, 2)
    await life.bob.refresh(life.acme)
    assert list(await life.bob.members(life.acme)) == [BOB]


async def test_who_alone_is_an_organization_is_blocked(story: Story, asking: Asking) -> None:
    ada = await story.person(ADA)
    await ada.create()
    await asking.erasure(user(ada))
    await asking.work()
    (answer,) = await asking.answers()
    assert (answer.outcome, answer.blocked_by) == ("blocked", "last_owner")


async def test_whom_auth_does_not_know_is_answered_for(story: Story, asking: Asking) -> None:
    ada = await story.person(ADA)
    organization_id = UUID(await ada.create())
    before = await photograph(story)
    for person in (Subject("user", new_id()), Subject("contact", UUID(ada.user_id), organization_id)):
        assert not any((await asking.exported(person)).values())
        await asking.erasure(person)
        await asking.work()
    assert [each.outcome for each in await asking.answers()] == ["done", "done"]
    after = await photograph(story)
    assert all(after[name] == before[name] for name in set(after) - GOES_WITH_TIME)


async def test_who_never_proved_an_address_is_forgotten_within_days_and_takes_nothing_of_a_stranger(
    story: Story, forward: Forward
) -> None:
    """The address may be anybody's: an invitation to it stays."""
    ada = await story.person(ADA)
    organization_id = await ada.create()
    await ada.invite(organization_id, BOB)
    await story.sign_up(BOB)
    assert await story.count("users") == await story.count("identities") == 1
    await story.deliver()
    await forward(8 * 24 * 3600 + 1)
    await story.parts.sweeper.sweep()
    assert await story.count("challenges") == 0
    assert await story.count("invitations", UUID(organization_id)) == 1


class Killed(BaseException):
    """The process is gone; nothing of it takes note."""


class Fragile(Mortal):
    """Kills with what no handler catches."""

    def step(self) -> None:
        try:
            super().step()
        except Died:
            raise Killed from None


@pytest.fixture
async def mortal(place: TestDatabase) -> AsyncIterator[Mortal]:
    opened = await Fragile.open(place.url("auth"), name="auth mortal", pool_size=4, acquire_within=60)
    assert isinstance(opened, Fragile)
    try:
        yield opened
    finally:
        await opened.close()


async def test_killed_at_any_step_it_goes_on_and_the_counts_are_right(
    place: TestDatabase, mortal: Mortal, passwords: Passwords
) -> None:
    """Each attempt lives a step longer than the one before; what was committed stays, and nothing is done twice."""
    story = Story(place, mortal, passwords, settings(place))
    await story.begin()
    try:
        life = await live(story)
        asking = Asking(story)
        before, wanted = await photograph(story), await traces(story, life.bob)
        await asking.erasure(user(life.bob))
        deaths = 0
        for lives in itertools.count(1):
            mortal.live_for(lives)
            try:
                worked = await asking.answering().work()
            except Killed:
                deaths += 1
                worked = True
            finally:
                mortal.live_for(None)
            if not worked:
                break
            await story.admin("UPDATE privacy_tasks SET leased_until = NULL")
        assert deaths > 40
        (answer,) = await asking.answers()
        after = await photograph(story)
    finally:
        await story.end()
    assert places(after, wanted) <= GOES_WITH_TIME | set(KEPT)
    assert (answer.outcome, answer.anonymised, len(answer.keys)) == ("done", ANONYMISED, 2)
    removed = {name: count for name, count in answer.removed.items() if count}
    assert removed == {
        "members": 2,
        "ownership_transfers": 1,
        "team_members": 1,
        "delegation_assignments": 1,
        "onboardings": 1,
        "outgoing_mails": removed["outgoing_mails"],
        "ledger_entries": removed["outgoing_mails"] + 1,
        "ledger_attempts": removed["ledger_attempts"],
        "invitations": 2,
        "mail_preferences": 1,
        "flag_users": 1,
        "announcement_recipients": 1,
        "impersonations": 1,
        "suspensions": 1,
        "factor_recoveries": 1,
        "throttles": 1,
        "devices": 2,
        "activity": 1,
        "security_notices": removed["security_notices"],
        "totp_factors": 1,
        "passkeys": 1,
        "passkey_challenges": 1,
        "recovery_codes": 9,
        "sessions": 2,
        "oauth_grants": 1,
        "oauth_consents": 1,
        "sign_ins": 1,
        "federated_identities": 1,
        "federation_flows": 1,
        "revocations": removed["revocations"],
        "challenges": 3,
        "outgoing_texts": 1,
        "identities": 2,
        "users": 1,
        "idempotency_keys": 1,
    }
    for name in ("outgoing_mails", "ledger_entries", "ledger_attempts"):
        assert removed[name] == (before[name] - after[name]).total(), name


@dataclass
class Before:
    """A holding before the first step of which something else happens."""

    holding: Holding
    what: Callable[[], Awaitable[None]] | None
    tables: ClassVar[frozenset[str]] = frozenset()

    def export(self, person: Subject, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        return self.holding.export(person, organization_ids)

    async def erase(self, tx: Transaction, person: Subject, way: str) -> Erased:
        what, self.what = self.what, None
        if what is not None:
            await what()
        return await self.holding.erase(tx, person, way)


async def test_who_signs_in_and_joins_while_being_forgotten_is_signed_out_and_gone_in_the_end(
    story: Story, asking: Asking, forward: Forward
) -> None:
    """Before the last step of the account somebody with the password comes back, and is invited anew."""
    life = await live(story)

    async def come_back() -> None:
        assert (await story.sign_in(BOB)).status_code == 201
        assert (await story.sign_up(BOB)).status_code == 202
        assert (await life.ada.invite(life.acme, BOB)).status_code == 201

    parts, holdings = story.parts, story.parts.holdings.holdings
    meddled: list[Holding] = [Before(each, come_back) if "users" in each.tables else each for each in holdings]
    await asking.erasure(user(life.bob))
    asked = replace(asking.answering(), holdings=Holdings(meddled, parts.holdings.organizations))
    assert await asked.work()
    assert await asking.answers() == []
    wanted = await traces(story, life.bob)
    await forward(2)
    await asking.work()
    (answer,) = await asking.answers()
    assert answer.outcome == "done"
    assert places(await photograph(story), wanted) <= GOES_WITH_TIME | set(KEPT)
    last = (await story.told(SessionsRevoked))[-1]
    assert isinstance(last, SessionsRevoked)
    assert last.session_id is None
