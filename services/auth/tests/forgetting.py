"""People with traces everywhere, and how they are asked for and looked for."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from auth import migrations
from auth.federation.model import Chosen, Flow, ProviderKind, Purpose
from auth.federation.repository import FlowRepository, IdentityRepository
from auth.federation.sealing import Subjects
from auth.flags.model import Rules
from auth.flags.repository import FlagRepository
from auth.mails.notices import Notice, notify
from auth.openid.model import Assertion
from auth.sign_ins.model import SIGN_IN_LIFE, Proof, SignIn
from auth.sign_ins.repository import SignInRepository
from auth.suspensions.model import Reason, Suspension
from auth.suspensions.repository import SuspensionRepository
from auth.suspensions.sealing import Notes
from auth.worker import SUBSCRIPTIONS
from contracts.auth import AuthErasureAnswered, AuthExportPartReady
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.event import Event, encode
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.privacy.answering import Answering
from kit.privacy.counting import Count
from kit.privacy.datamap import of_service
from kit.privacy.person import Person as Subject
from kit.seal import Keyring
from kit.testing.handing_over import Collected, by_table

from .authenticators import Authenticator, add_passkey
from .oauth import CALLBACK, Program, decide, request_of
from .second_factors import complete, half_signed_in, with_app
from .staffing import hired
from .story import Person, Story

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
