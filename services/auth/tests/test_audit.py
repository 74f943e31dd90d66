"""What is done in auth, as the audit trail tells it: by whom, to what, in which organization."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from auth.sign_ins.model import Proof, Visitor, Wish
from auth.throttle.model import RULES, STUFFING, Scope
from contracts.audit import ACTIONS, AuditEntry

from .authenticators import Authenticator, add_passkey, ask
from .conftest import Forward
from .federating import Federated
from .forgetting import Asking, user
from .second_factors import complete, half_signed_in, with_app
from .story import GOOD, Person, Story
from .test_enterprise_sso import connect
from .test_throttle import guess, until_locked

NEW = "walnut-ferry-copper-38-moss"
ADA, BOB, CAROL = "ada.audited-17@house.test", "bob.audited-28@house.test", "carol.audited-39@house.test"
FREE = RULES[Scope.ACCOUNT].free


async def lines(story: Story) -> list[AuditEntry]:
    return [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]


async def told(story: Story, since: int) -> list[tuple[str, str | None, str, str, str | None]]:
    """Action, actor, kind and id of the target, organization."""
    return [
        (
            line.action.removeprefix("auth."),
            None if line.actor_id is None else str(line.actor_id),
            line.target_kind,
            line.target_id,
            None if line.organization_id is None else str(line.organization_id),
        )
        for line in (await lines(story))[since:]
    ]


async def test_the_life_of_an_account_is_in_the_audit_trail(story: Story, forward: Forward) -> None:
    assert [line.action for line in await lines(story)] == ["auth.signing_key.created"]
    await story.sign_up(ADA)
    await story.http.post("/v1/accounts/verification-mails", json={"email": ADA})
    await story.deliver()
    await story.verify(story.postbox.token(ADA))
    (row,) = await story.admin("SELECT id FROM users")
    ada = str(row["id"])
    (held,) = await story.admin("SELECT encode(blind, 'hex') AS blind FROM identities")
    blind = held["blind"][:16]
    assert await told(story, 1) == [
        ("challenge.begun", None, "address", blind, None),
        ("challenge.begun", None, "address", blind, None),
        ("user.registered", ada, "user", ada, None),
        ("user.verified", ada, "user", ada, None),
    ]

    await story.sign_in(ADA, "not-the-password-17")
    person = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    first, session = person.tokens["refresh_token"], person.tokens["session_id"]
    organization_id = await person.create()
    await forward(11)
    await person.refresh(organization_id)
    await person.refresh()
    wish = {"items": [{"category": "invitations", "wanted": False}]}
    await person.call("PUT", "/v1/mail-preferences", json=wish, headers={"if-match": '"v0"'})
    await forward(11)
    await person.refresh()
    assert (await person.refresh(token=first)).status_code == 401
    assert (await person.refresh(token=first)).status_code == 401
    again = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    await again.call("DELETE", "/v1/sessions/current")
    third = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    await third.call("DELETE", "/v1/sessions")
    (member,) = await story.admin("SELECT id FROM members")
    second, newest = [str(row["id"]) for row in await story.admin("SELECT id FROM devices ORDER BY id OFFSET 1")]
    assert await told(story, 5) == [
        ("session.refused", None, "user", ada, None),
        ("session.started", ada, "session", session, None),
        ("organization.created", ada, "organization", organization_id, organization_id),
        ("member.added", ada, "member", str(member["id"]), organization_id),
        ("session.switched", ada, "session", session, organization_id),
        ("mail_preferences.changed", ada, "user", ada, None),
        ("session.reuse_detected", None, "session", session, None),
        ("session.started", ada, "session", again.tokens["session_id"], None),
        ("device.added", ada, "device", second, None),
        ("session.ended", ada, "session", again.tokens["session_id"], None),
        ("session.started", ada, "session", third.tokens["session_id"], None),
        ("device.added", ada, "device", newest, None),
        ("session.all_revoked", ada, "user", ada, None),
    ]


async def test_what_is_done_with_passwords_and_addresses_is_in_the_audit_trail(story: Story) -> None:
    ada, number = await story.person(ADA), "+4915123456789"
    since = len(await lines(story))
    reset = await story.http.post("/v1/password-resets", json={"email": ADA})
    assert reset.status_code == 202
    await story.deliver()
    body = {"token": story.postbox.token(ADA), "password": NEW}
    await story.http.post("/v1/password-resets/complete", json=body)
    ada = Person(story.http, ADA, (await story.sign_in(ADA, NEW)).json())
    await ada.call("PUT", "/v1/me/password", json={"present": GOOD, "password": GOOD})
    await ada.call("PUT", "/v1/me/password", json={"present": NEW, "password": GOOD})
    await ada.refresh()
    token = (await ada.call("POST", "/v1/me/address-changes", json={"phone": number})).json()["request_token"]
    await story.deliver()
    code = story.phones.code(number)
    path = "/v1/me/address-changes/confirm-by-text"
    for typed in (f"{(int(code) + 1) % 1_000_000:06}", code):
        await ada.call("POST", path, json={"request_token": token, "code": typed})
    await ada.refresh()
    await ada.call("DELETE", "/v1/me/phone")
    await ada.refresh()
    await ada.call("POST", "/v1/me/address-changes", json={"email": BOB})
    await story.deliver()
    await ada.call("POST", "/v1/me/address-changes/confirm", json={"token": story.postbox.token(BOB)})
    await story.deliver()
    await story.http.post("/v1/address-changes/undo", json={"token": story.postbox.token(ADA)})
    told_of = [(line.action, line.actor_kind, line.target_kind) for line in (await lines(story))[since:]]
    begun = ("auth.session.started", "auth.device.added")
    assert [each for each in told_of if each[0] not in begun] == [
        ("auth.challenge.begun", "user", "address"),
        ("auth.password.reset", "user", "user"),
        ("auth.password.refused", "user", "user"),
        ("auth.password.changed", "user", "user"),
        ("auth.address.change_begun", "user", "user"),
        ("auth.challenge.failed", "user", "address"),
        ("auth.address.changed", "user", "user"),
        ("auth.address.removed", "user", "user"),
        ("auth.address.change_begun", "user", "user"),
        ("auth.address.changed", "user", "user"),
        ("auth.address.change_undone", "user", "user"),
        ("auth.challenge.begun", "user", "address"),
    ]


async def test_what_people_end_of_their_sessions_is_in_the_audit_trail(story: Story) -> None:
    ada = await story.person(ADA)
    device = {"device-token": ada.tokens["device_token"]}
    other = (await story.http.post("/v1/sessions", json={"email": ADA, "password": GOOD}, headers=device)).json()
    since = len(await lines(story))
    await ada.call("DELETE", f"/v1/sessions/{other['session_id']}")
    await ada.call("DELETE", "/v1/sessions/others")
    assert await told(story, since) == [
        ("session.revoked", ada.user_id, "session", other["session_id"], None),
        ("session.others_revoked", ada.user_id, "user", ada.user_id, None),
    ]


async def test_what_is_done_with_devices_and_against_guessing_is_in_the_audit_trail(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    token = ada.tokens["device_token"]
    visitor = Visitor(device=story.parts.mints.device.read(token).ids[0])
    since = len(await lines(story))
    async with story.database.transaction() as tx:
        wish = Wish(visitor, remember_device=True)
        await story.parts.entrance.admit(tx, UUID(ada.user_id), {Proof.PASSWORD, Proof.TOTP}, wish)
    (device,) = (await ada.call("GET", "/v1/devices")).json()["items"]
    path = f"/v1/devices/{device['id']}"
    await ada.call("PATCH", path, json={"name": "mine"}, headers={"if-match": '"v1"'})
    await ada.call("DELETE", "/v1/devices/remembered")
    await ada.call("DELETE", path)
    await until_locked(story, forward, ADA)
    await story.deliver()
    await story.http.post("/v1/sessions/unlock", json={"token": story.postbox.token(ADA)})
    for at in range(STUFFING + 5):
        await guess(story, f"listed-{at}@example.com", address=f"192.0.2.{at}")
    found = [each[0] for each in await told(story, since) if each[0] not in ("session.refused", "session.throttled")]
    assert found == [
        "device.remembered",
        "session.started",
        "device.renamed",
        "device.not_remembered",
        "device.forgotten",
        "user.locked",
        "user.unlocked",
        "network.suspected",
    ]


async def test_what_is_done_with_members_is_in_the_audit_trail_of_the_organization(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    since = len(await lines(story))
    organization_id = await ada.create()
    path = f"/v1/organizations/{organization_id}"
    first = (await ada.invite(organization_id, CAROL)).json()["id"]
    await ada.call("POST", f"{path}/invitations/{first}/mails")
    await ada.call("DELETE", f"{path}/invitations/{first}")
    second = (await ada.invite(organization_id, BOB)).json()["id"]
    await story.accept(bob)
    members = await ada.members(organization_id)
    await ada.call("PATCH", f"{path}/members/{members[BOB]['id']}", json={"role": "analyst"})
    await bob.call("DELETE", f"{path}/members/{members[BOB]['id']}")
    await ada.call("PATCH", path, json={"name": "Acme anew"}, headers={"if-match": '"v1"'})
    its = members[BOB]["id"]
    assert await told(story, since) == [
        ("organization.created", ada.user_id, "organization", organization_id, organization_id),
        ("member.added", ada.user_id, "member", members[ADA]["id"], organization_id),
        ("invitation.created", ada.user_id, "invitation", first, organization_id),
        ("invitation.sent", ada.user_id, "invitation", first, organization_id),
        ("invitation.revoked", ada.user_id, "invitation", first, organization_id),
        ("invitation.created", ada.user_id, "invitation", second, organization_id),
        ("invitation.accepted", bob.user_id, "invitation", second, organization_id),
        ("member.added", bob.user_id, "member", its, organization_id),
        ("member.role_changed", ada.user_id, "member", its, organization_id),
        ("member.removed", bob.user_id, "member", its, organization_id),
        ("organization.renamed", ada.user_id, "organization", organization_id, organization_id),
    ]
    changed = next(line for line in await lines(story) if line.action == "auth.member.role_changed")
    assert changed.details == {"role": "analyst", "before": "editor"}


async def test_a_forgotten_user_is_in_the_audit_trail(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, BOB, "admin")
    since = len(await lines(story))
    asking = Asking(story)
    await asking.erasure(user(bob))
    await asking.work()
    removed, deleted = await told(story, since)
    assert (removed[0], removed[1], removed[4]) == ("member.removed", None, organization_id)
    assert deleted == ("user.deleted", None, "user", bob.user_id, None)


async def test_what_is_done_with_second_factors_is_in_the_audit_trail(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    session, since = ada.tokens["session_id"], len(await lines(story))
    app = await with_app(story, ada)
    await forward(60)
    codes = (await ada.call("POST", "/v1/me/factors/recovery-codes")).json()["recovery_codes"]
    owed = await half_signed_in(story, ada)
    await complete(story, owed["sign_in_token"], "totp", "000000")
    again = (await complete(story, owed["sign_in_token"], "recovery_code", codes[0])).json()["session_id"]
    await ada.call("POST", "/v1/sessions/current/proofs", json={"factor": "totp", "code": app.code()})
    await ada.call("DELETE", f"/v1/me/factors/totp/{app.id}")
    key = Authenticator()
    passkey = (await add_passkey(ada, key))["id"]
    path = f"/v1/me/factors/passkeys/{passkey}"
    await ada.call("PATCH", path, json={"name": "Other"}, headers={"if-match": '"v1"'})
    key.credentials[0].count = 9
    first = (await story.http.post("/v1/sessions/passkey", json={"assertion": key.answer(await ask(story))})).json()
    key.credentials[0].count = 3
    second = (await story.http.post("/v1/sessions/passkey", json={"assertion": key.answer(await ask(story))})).json()
    devices = [str(row["id"]) for row in await story.admin("SELECT id FROM devices ORDER BY id OFFSET 1")]
    assert await told(story, since) == [
        ("factor.added", ada.user_id, "factor", app.id, None),
        ("recovery_codes.renewed", ada.user_id, "user", ada.user_id, None),
        ("factor.refused", None, "user", ada.user_id, None),
        ("recovery_code.used", ada.user_id, "user", ada.user_id, None),
        ("session.started", ada.user_id, "session", again, None),
        ("device.added", ada.user_id, "device", devices[0], None),
        ("session.proven", ada.user_id, "session", session, None),
        ("factor.removed", ada.user_id, "factor", app.id, None),
        ("factor.added", ada.user_id, "factor", passkey, None),
        ("factor.renamed", ada.user_id, "factor", passkey, None),
        ("session.started", ada.user_id, "session", first["session_id"], None),
        ("device.added", ada.user_id, "device", devices[1], None),
        ("passkey.count_regressed", None, "factor", passkey, None),
        ("session.started", ada.user_id, "session", second["session_id"], None),
        ("device.added", ada.user_id, "device", devices[2], None),
    ]


async def test_what_is_refused_is_not_in_the_audit_trail(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    organization_id = await ada.create()
    own = (await ada.members(organization_id))[ADA]["id"]
    path = f"/v1/organizations/{organization_id}"
    before = await lines(story)
    for person, method, where, body, headers in (
        (bob, "PATCH", path, {"name": "Bob's"}, {"if-match": '"v1"'}),
        (ada, "PATCH", path, {"name": "Stale"}, {"if-match": '"v9"'}),
        (bob, "POST", f"{path}/invitations", {"email": CAROL, "role": "editor"}, {}),
        (ada, "DELETE", f"{path}/members/{own}", None, {}),
        (ada, "PATCH", f"{path}/members/{own}", {"role": "admin"}, {}),
        (
            ada,
            "PUT",
            "/v1/mail-preferences",
            {"items": [{"category": "account", "wanted": False}]},
            {"if-match": '"v0"'},
        ),
        (bob, "POST", "/v1/invitations/accept", {"token": "forged"}, {}),
    ):
        answer = await person.call(method, where, json=body, headers=headers)
        assert answer.status_code >= 400, (method, where)
    assert (await story.sign_in(ADA, organization_id=str(UUID(int=7)))).status_code == 404
    assert await lines(story) == before


async def test_a_refused_sign_in_leaves_one_line_whether_or_not_the_address_is_known(story: Story) -> None:
    """And a throttled one, too; no address is in either."""
    ada = await story.person(ADA)
    nobody = "nobody.audited-40@house.test"
    since = len(await lines(story))
    for address in (ADA, nobody):
        answers = [await story.sign_in(address, "not-the-password-17") for _ in range(FREE + 2)]
        assert Counter(answer.status_code for answer in answers) == {401: FREE + 1, 429: 1}
    found = await told(story, since)
    for kind in ("user", "address"):
        assert Counter(line[0] for line in found if line[2] == kind) == {
            "session.refused": FREE + 1,
            "session.throttled": 1,
        }
    assert {line[3] for line in found if line[2] == "user"} == {ada.user_id}
    (target,) = {line[3] for line in found if line[2] == "address"}
    assert len(bytes.fromhex(target)) == 8


async def test_who_says_by_a_link_that_it_is_enough_is_in_the_audit_trail_without_an_address(story: Story) -> None:
    ada = await story.person(ADA)
    await ada.invite(await ada.create(), CAROL)
    await story.deliver()
    link = story.postbox.to(CAROL)[-1]["list-unsubscribe"].strip("<>")
    token = link.partition("token=")[2]
    since = len(await lines(story))
    for _ in range(2):
        answer = await story.http.post("/v1/unsubscribe", params={"token": token})
        assert answer.status_code == 200, answer.text
    ((action, actor, kind, target, _),) = await told(story, since)
    assert (action, actor, kind, len(target)) == ("mail_preferences.changed", None, "address", 16)


async def test_a_new_signing_key_is_in_the_audit_trail(story: Story, forward: Forward) -> None:
    await story.parts.rotation.rotate_when_due()
    await forward(31 * 86_400)
    await story.parts.rotation.rotate_when_due()
    await forward(3600)
    await story.parts.rotation.rotate()
    kinds = [(line.action, line.actor_kind) for line in await lines(story)]
    assert kinds == [
        ("auth.signing_key.created", "system"),
        ("auth.signing_key.rotated", "system"),
        ("auth.signing_key.rotated", "operator"),
    ]


async def test_signing_in_with_a_provider_is_in_the_audit_trail(federated: Federated) -> None:
    story = federated.story
    await federated.google_goes_wrong("wrong_nonce")
    await federated.google()
    await federated.google_goes_wrong()
    since = len(await lines(story))
    ann = federated.person(await federated.google())
    linked = (await federated.link(ann, "github", "1001")).json()["id"]
    await ann.call("DELETE", f"/v1/me/identities/{linked}")
    (first,) = (await ann.call("GET", "/v1/me/identities")).json()["items"]
    refused = next(line for line in await lines(story) if line.action == "auth.federation.refused")
    assert (refused.actor_id, refused.target_id, refused.details) == (None, "google", {"reason": "nonce"})
    assert [each[:4] for each in await told(story, since)] == [
        ("user.registered", ann.user_id, "user", ann.user_id),
        ("user.verified", ann.user_id, "user", ann.user_id),
        ("identity.linked", ann.user_id, "identity", first["id"]),
        ("session.started", ann.user_id, "session", ann.tokens["session_id"]),
        ("identity.linked", ann.user_id, "identity", linked),
        ("identity.unlinked", ann.user_id, "identity", linked),
    ]
    assert "auth.federation.refused" in ACTIONS


async def test_what_is_done_with_teams_is_in_the_audit_trail(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    path, since = f"/v1/organizations/{organization_id}/teams", len(await lines(story))
    mine = (await ada.members(organization_id))[ADA]["id"]
    team = (await ada.call("POST", path, json={"name": "One"})).json()["id"]
    await ada.call("PATCH", f"{path}/{team}", json={"name": "Two"}, headers={"if-match": '"v1"'})
    await ada.call("PATCH", f"{path}/{team}/members", json={"add": [mine]})
    await ada.call("DELETE", f"{path}/{team}")
    assert await told(story, since) == [
        (action, ada.user_id, "team", team, organization_id)
        for action in ("team.created", "team.renamed", "team.members_changed", "team.deleted")
    ]


async def test_what_an_agency_may_is_in_the_audit_trails_of_both_sides(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    agency, client = await ada.create(), await bob.create()
    since, ends_at = len(await lines(story)), (story.database.clock.now() + timedelta(days=9)).isoformat()
    body = {"client_id": client, "roles": ["editor"], "ends_at": ends_at}
    made = (await ada.call("POST", f"/v1/organizations/{agency}/clients", json=body)).json()["id"]
    await bob.call("POST", f"/v1/organizations/{client}/delegations/{made}/acceptance")
    path = f"/v1/organizations/{agency}/clients/{made}"
    await ada.call("PUT", f"{path}/assignments", json={"items": []}, headers={"if-match": '"v2"'})
    await bob.call("DELETE", f"/v1/organizations/{client}/delegations/{made}")
    assert await told(story, since) == [
        ("delegation.proposed", ada.user_id, "delegation", made, client),
        ("delegation.proposed", ada.user_id, "delegation", made, agency),
        ("delegation.granted", bob.user_id, "delegation", made, client),
        ("delegation.granted", bob.user_id, "delegation", made, agency),
        ("delegation.assigned", ada.user_id, "delegation", made, agency),
        ("delegation.ended", bob.user_id, "delegation", made, client),
        ("delegation.ended", bob.user_id, "delegation", made, agency),
    ]


async def test_who_hands_an_organization_over_is_in_its_audit_trail(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, BOB, "admin")
    bobs = (await ada.members(organization_id))[BOB]["id"]
    path, since = f"/v1/organizations/{organization_id}/ownership-transfers", len(await lines(story))
    first = (await ada.call("POST", path, json={"member_id": bobs})).json()["id"]
    await bob.call("DELETE", f"{path}/{first}")
    second = (await ada.call("POST", path, json={"member_id": bobs})).json()["id"]
    await bob.call("POST", f"{path}/{second}/acceptance")
    assert [each for each in await told(story, since) if each[0].startswith("ownership")] == [
        ("ownership.offered", ada.user_id, "ownership", first, organization_id),
        ("ownership.withdrawn", bob.user_id, "ownership", first, organization_id),
        ("ownership.offered", ada.user_id, "ownership", second, organization_id),
        ("ownership.transferred", bob.user_id, "ownership", second, organization_id),
    ]


async def test_what_is_done_with_identity_providers_is_in_the_audit_trail_of_the_organization(
    federated: Federated,
) -> None:
    acme = await connect(federated)
    since = len(await lines(federated.story)) - 1
    domain = (await acme.prove("acme.test")).json()["id"]
    await acme.change(enforced=True)
    await acme.owner.call("DELETE", f"{acme.one}/domains/{domain}")
    await acme.owner.call("DELETE", acme.one)
    ada, its, here = acme.owner.user_id, acme.provider["id"], acme.organization_id
    assert await told(federated.story, since) == [
        ("identity_provider.created", ada, "identity_provider", its, here),
        ("domain.named", ada, "domain", domain, here),
        ("domain.proven", ada, "domain", domain, here),
        ("identity_provider.changed", ada, "identity_provider", its, here),
        ("domain.released", ada, "domain", domain, here),
        ("identity_provider.removed", ada, "identity_provider", its, here),
    ]


def test_these_tests_know_every_action_of_auth() -> None:
    """A new action is a new line in a test here or in that of its noun."""
    named = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for action in ACTIONS:
        if action.startswith("auth."):
            assert f'"{action.removeprefix("auth.")}"' in named or f'"{action}"' in named, action
