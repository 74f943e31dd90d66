"""A user is handed over, and forgotten: every table that the data map names, every column."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson
import pytest

from auth import migrations
from auth.federation.model import Chosen, Flow, ProviderKind, Purpose
from auth.federation.repository import FlowRepository, IdentityRepository
from auth.federation.sealing import Subjects
from auth.flags.model import Rules
from auth.flags.repository import FlagRepository
from auth.mails.notices import Notice, notify
from auth.openid.model import Assertion
from auth.passwords.hashing import Passwords
from auth.sign_ins.model import SIGN_IN_LIFE, Proof, SignIn
from auth.sign_ins.repository import SignInRepository
from auth.suspensions.model import Reason, Suspension
from auth.suspensions.repository import SuspensionRepository
from auth.suspensions.sealing import Notes
from auth.worker import SUBSCRIPTIONS
from contracts.auth import AuthErasureAnswered, AuthExportPartReady, InvitationRevoked, MemberRemoved, SessionsRevoked
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.event import Event, encode
from kit.db.database import Transaction
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.privacy.answering import Answering
from kit.privacy.counting import Count
from kit.privacy.datamap import of_service
from kit.privacy.holding import Erased, File, Holding, Holdings, Rows
from kit.privacy.person import Person as Subject
from kit.seal import Keyring
from kit.testing.databases import TestDatabase
from kit.testing.handing_over import Collected, by_table
from kit.testing.mortal import Died, Mortal

from .authenticators import Authenticator, add_passkey
from .conftest import Forward
from .oauth import CALLBACK, Program, decide, request_of
from .second_factors import complete, half_signed_in, with_app
from .staffing import hired
from .story import GOOD, Person, Story, problem, settings

ADA, BOB, CAROL = "Ada.Countess-41@Lovelace-House.test", "bob.builder-52@site.test", "carol.carter-63@cart.test"

MAP: Final = of_service(migrations)
GOES_WITH_TIME: Final = {"dead_letters", "outbox", "privacy_tasks", "processed_messages", "seal_keys"}
"""Where an id may still stand: facts on their way, what was asked of us, keys that compliance destroys."""

ANONYMISED: Final = {"invitations": 2, "api_keys": 1, "oauth_clients": 1, "job_items": 1, "subscription_claims": 1}
"""What goes on as nobody's."""

KEPT: Final = {"revocations": "security", "mail_suppressions": "wish"}
"""What stays on purpose, and why."""


def tables_about(*subjects: str) -> set[str]:
    """Tables that the data map says lead to such people."""
    return {name for name, table in MAP.tables.items() if any(subject in subjects for subject, _ in table.leads)}


@dataclass
class Asking:
    """Compliance as auth knows it: it asks by events, and is handed pieces."""

    story: Story
    collected: Collected = field(default_factory=Collected)

    @property
    def keyring(self) -> Keyring:
        return self.story.keyring

    def answering(self) -> Answering:
        return Answering(
            self.story.database,
            self.keyring,
            "auth",
            self.story.parts.holdings,
            Count(MAP),
            self.collected,
            AuthExportPartReady,
            AuthErasureAnswered,
        )

    async def hear(self, event: Event) -> None:
        """Let an event arrive: twice, as may happen, and once more as another message."""
        subscription = next(each for each in SUBSCRIPTIONS if each.event is type(event))
        for generation in (0, 0, 1):
            delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
            await Applier(self.story.database, event.type, event.type, subscription).apply([delivery])

    async def export(self, person: Subject) -> UUID:
        event = ExportRequested(
            organization_id=person.organization_id,
            time=self.story.database.clock.now(),
            export_id=new_id(),
            person_kind=person.kind,
            person_id=person.id,
        )
        await self.hear(event)
        return event.export_id

    async def erasure(self, person: Subject, way: str = "erase") -> UUID:
        event = ErasureBegun(
            organization_id=person.organization_id,
            time=self.story.database.clock.now(),
            erasure_id=new_id(),
            person_kind=person.kind,
            person_id=person.id,
            way=way,
        )
        await self.hear(event)
        return event.erasure_id

    async def work(self) -> None:
        """Work until nothing is due."""
        answering = self.answering()
        while await answering.work():
            pass

    async def exported(self, person: Subject) -> dict[str, list[dict[str, Any]]]:
        """What is handed over of somebody, by table."""
        export_id = await self.export(person)
        await self.work()
        return by_table(await self.collected.lines(self.keyring, "auth", person, export_id, 1))

    async def answers(self) -> list[AuthErasureAnswered]:
        return [each for each in await self.story.told(AuthErasureAnswered) if isinstance(each, AuthErasureAnswered)]


@pytest.fixture
def asking(story: Story) -> Asking:
    return Asking(story)


def user(person: Person) -> Subject:
    return Subject("user", UUID(person.user_id))


@dataclass
class Life:
    """Two people in two organizations, who have done everything that can be done with auth."""

    ada: Person
    bob: Person
    acme: str
    bobs: str
    carols: str


async def live(story: Story) -> Life:
    """Ada owns Acme, where Bob is; Bob shares his own with Carol, who owns it too and has invited him once more."""
    ada, bob, carol = await story.person(ADA), await story.person(BOB), await story.person(CAROL)
    for each in (ada, bob):
        await add_number(story, each)
    acme, bobs = await ada.create("Acme"), await bob.create("Bob's")
    await ada.invite(acme, BOB, "admin")
    assert (await story.accept(bob)).status_code == 200
    await bob.invite(bobs, CAROL, "owner")
    assert (await story.accept(carol)).status_code == 200
    carols = await carol.create("Carol's")
    await carol.invite(carols, BOB, "client")
    await together(story, ada, bob, carol, acme, bobs, carols)
    await bob.invite(acme, "dave.driver-74@road.test", headers={"idempotency-key": "key-of-bob"})
    await ada.invite(acme, "erin.eagle-85@sky.test", headers={"idempotency-key": "key-of-ada"})
    async with story.database.transaction() as tx:
        named = frozenset({UUID(ada.user_id), UUID(bob.user_id)})
        await FlagRepository(tx).add("new-composer", "The new composer.", Rules(users=named), new_id())
    admin = await hired(story)
    words = {"texts": {"en": {"title": "News", "text": "There is news."}}}
    draft = (await admin.call("POST", "/v1/staff/announcements", json=words)).json()["id"]
    let_go = f"/v1/staff/announcements/{draft}/schedule"
    assert (await admin.call("POST", let_go, json={}, headers={"if-match": '"v1"'})).status_code == 200
    worker = story.parts.operations.jobs.worker()
    while not await worker.turn():
        pass
    for each in (ada, bob):
        key = {"name": "Import", "role": "editor", "scopes": ["posts:write"]}
        assert (await each.call("POST", f"/v1/organizations/{acme}/api-keys", json=key)).status_code == 201
        body = {"name": "Planner", "redirect_uris": [CALLBACK], "scopes": ["openid", "posts:read"]}
        made = await each.call("POST", f"/v1/organizations/{acme}/oauth-clients", json=body)
        asked = await Program(story, made.json()).authorize()
        assert (await decide(each, request_of(asked), acme)).status_code == 200
        wishes = {"items": [{"category": "invitations", "wanted": False}]}
        answer = await each.call("PUT", "/v1/mail-preferences", json=wishes, headers={"if-match": '"v0"'})
        assert answer.status_code == 200
        app = await with_app(story, each)
        await add_passkey(each, Authenticator())
        assert (await each.call("POST", "/v1/me/factors/passkey-challenges")).status_code == 200
        await story.sign_up(each.email)  # which brings a mail that says they have an account
        owed = await half_signed_in(story, each)
        again = await complete(story, owed["sign_in_token"], "recovery_code", app.recovery_codes[0])
        await replace(each, tokens=again.json()).call("DELETE", "/v1/sessions/current")
        assert (await story.sign_in(each.email, "not-the-password-17")).status_code == 401
        async with story.database.transaction() as tx:  # a sign-in that was left halfway
            half = SignIn(new_id(), UUID(each.user_id), frozenset({Proof.PASSWORD}), None)
            await SignInRepository(tx).add(half, SIGN_IN_LIFE)
            await notify(tx, story.parts.mailer, UUID(each.user_id), Notice.NEW_DEVICE)
        await link(story, each)
    await impersonated(story, ada, bob)
    await story.deliver()
    return Life(ada, bob, acme, bobs, carols)


async def link(story: Story, person: Person) -> None:
    """An account at Google is linked, and another way there was begun."""
    subjects, user_id, identity_id = Subjects(story.keyring), UUID(person.user_id), new_id()
    said = Assertion(f"subject-of-{person.email}", person.email, verified=True)
    sealed = await subjects.seal(user_id, identity_id, said)
    blind, google = await subjects.blind("https://google.test", said.subject), Chosen(ProviderKind.GOOGLE)
    async with story.database.transaction() as tx:
        assert await IdentityRepository(tx).add(identity_id, user_id, google, blind, sealed)
        session_id = UUID(person.tokens["session_id"])
        await FlowRepository(tx).add(Flow(new_id(), Purpose.LINK, google, "https://app.test", user_id, session_id))


async def together(
    story: Story, ada: Person, bob: Person, carol: Person, acme: str, bobs_own: str, carols: str
) -> None:
    """Ada offers Acme to Bob, has a team with him, and sends him to Carol's, a client of Acme's."""
    path = f"/v1/organizations/{acme}"
    ids = {email.casefold(): each["id"] for email, each in (await ada.members(acme)).items()}
    bobs = ids[BOB.casefold()]
    offer = await ada.call("POST", f"{path}/ownership-transfers", json={"member_id": bobs})
    assert offer.status_code == 201, offer.text
    team = (await ada.call("POST", f"{path}/teams", json={"name": "Both"})).json()["id"]
    joined = await ada.call("PATCH", f"{path}/teams/{team}/members", json={"add": list(ids.values())})
    assert joined.json()["members"] == 2
    ends_at = (story.database.clock.now() + timedelta(days=9)).isoformat()
    asked = {"client_id": carols, "roles": ["editor"], "ends_at": ends_at}
    delegation = (await ada.call("POST", f"{path}/clients", json=asked)).json()["id"]
    await carol.call("POST", f"/v1/organizations/{carols}/delegations/{delegation}/acceptance")
    sent = await ada.call(
        "PUT",
        f"{path}/clients/{delegation}/assignments",
        json={"items": [{"role": "editor", "member_id": bobs}]},
        headers={"if-match": '"v2"'},
    )
    assert sent.status_code == 200, sent.text
    for each in (ada, bob):
        place = await each.call(
            "POST", f"{path}/onboarding/completion", json={"template": "craft"}, headers={"if-match": '"v0"'}
        )
        assert place.status_code == 200, place.text
    code = "0123456789ABCDEFGHJKMNPQRS"
    assert (
        await bob.call("POST", f"/v1/organizations/{bobs_own}/subscription-claims", json={"code": code})
    ).is_success


async def add_number(story: Story, person: Person) -> None:
    """A number of theirs, proven by text message."""
    number = f"+491512345678{len(story.phones.taken)}"
    asked = await person.call("POST", "/v1/me/address-changes", json={"phone": number})
    await story.deliver()
    code = {"request_token": asked.json()["request_token"], "code": story.phones.code(number)}
    added = await person.call("POST", "/v1/me/address-changes/confirm-by-text", json=code)
    assert added.status_code == 204
    await person.refresh()


async def impersonated(story: Story, *people: Person) -> None:
    """Staff have acted for them."""
    staff = await hired(story)
    for each in people:
        body = {"user_id": each.user_id, "reason": "They asked us to look at it."}
        assert (await staff.call("POST", "/v1/staff/impersonations", json=body)).status_code == 201
        suspension_id, person_id, now = new_id(), UUID(each.user_id), story.database.clock.now()
        note = await Notes(story.keyring).seal(suspension_id, person_id, None, "Sells followers.")
        async with story.database.transaction() as tx:  # one that was forgotten to be acted upon: sessions go on
            await SuspensionRepository(tx).add(
                Suspension(suspension_id, person_id, None, Reason.ABUSE, note, UUID(staff.staff_id), now, None, None)
            )
        begun = {"reason": "They called us and showed their passport."}
        path = f"/v1/staff/users/{each.user_id}/factor-recoveries"
        assert (await staff.call("POST", path, json=begun)).status_code == 201


async def photograph(story: Story) -> dict[str, Counter[str]]:
    """Every row of every table of the schema, as text."""
    names = await story.admin(
        "SELECT relname FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind IN ('r', 'p')"
    )
    return {
        name: Counter(row["text"] for row in await story.admin(f"SELECT t::text AS text FROM {name} AS t"))
        for name in (row["relname"] for row in names)
    }


async def traces(story: Story, person: Person) -> list[str]:
    """By what somebody could be found, as it stands in the text of a row."""
    rows = await story.admin(
        """
        SELECT id::text AS trace FROM users WHERE id = $1
        UNION SELECT id::text FROM identities WHERE user_id = $1
        UNION SELECT encode(blind, 'hex') FROM identities WHERE user_id = $1
        UNION SELECT encode(sealed, 'hex') FROM identities WHERE user_id = $1
        UNION SELECT id::text FROM sessions WHERE user_id = $1
        UNION SELECT encode(blind, 'hex') FROM federated_identities WHERE user_id = $1
        UNION SELECT id::text FROM members WHERE user_id = $1
        UNION SELECT encode(m.address_hash, 'hex') FROM outgoing_mails AS m JOIN identities AS i ON i.id = m.about
        WHERE i.user_id = $1 AND m.address_hash IS NOT NULL
        """,
        UUID(person.user_id),
    )
    return [row["trace"] for row in rows] + [person.email, person.email.encode().hex()]


def places(photo: dict[str, Counter[str]], wanted: list[str]) -> set[str]:
    """Tables in which one of these stands."""
    return {name for name, rows in photo.items() for row in rows if any(trace in row for trace in wanted)}


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
