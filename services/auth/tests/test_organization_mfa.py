"""An organization may demand a second factor: who has shown none acts elsewhere, or nowhere."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.audit import AuditEntry
from contracts.auth import OrganizationRenamed, OrganizationSecurityChanged, SessionsRevoked

from .authenticators import Authenticator, add_passkey, ask
from .conftest import Forward
from .oauth import ISSUER, Program, decide, granted, query_of, request_of
from .second_factors import AuthenticatorApp, complete, enrol, half_signed_in, with_app
from .story import GOOD, Person, Story, problem
from .test_delegations import Business

ADA, BOB, CAROL = "ada.demands-31@house.test", "bob.demands-42@house.test", "carol.demands-53@house.test"
DEMAND = {"requires_second_factor": True}


async def change(person: Person, organization_id: str, version: int = 1, **wanted: object) -> httpx.Response:
    path = f"/v1/organizations/{organization_id}"
    return await person.call("PATCH", path, json=wanted, headers={"if-match": f'"v{version}"'})


async def strict(story: Story) -> tuple[Person, AuthenticatorApp, Person, str]:
    """Ada, with an app, demands a second factor in her organization, where Bob acts, who has none."""
    ada = await story.person(ADA)
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, BOB, "admin")
    assert (await bob.refresh(organization_id)).json()["role"] == "admin"
    app = await with_app(story, ada)
    answer = await change(ada, organization_id, **DEMAND)
    assert (answer.status_code, answer.json()["requires_second_factor"], answer.headers["etag"]) == (
        200,
        True,
        '"v2"',
    )
    return ada, app, bob, organization_id


async def test_who_has_shown_no_second_factor_stays_signed_in_outside(story: Story) -> None:
    _, _, bob, organization_id = await strict(story)
    refreshed = await bob.refresh()
    assert (refreshed.status_code, refreshed.json()["organization_id"]) == (200, None)
    assert problem(await bob.refresh(organization_id)) == (403, "second-factor-required")
    assert (await bob.refresh()).status_code == 200, "being refused ends nothing"
    other = await bob.create("Bob's own")
    assert (await bob.refresh(other)).json()["role"] == "owner"
    assert problem(await story.sign_in(BOB, organization_id=organization_id)) == (403, "second-factor-required")
    assert (await story.sign_in(BOB)).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "Bob was here"}),
        ("GET", "/members", None),
        ("GET", "/invitations", None),
        ("POST", "/invitations", {"email": CAROL, "role": "editor"}),
    ],
)
async def test_no_door_of_the_organization_opens_by_its_id_either(
    method: str, path: str, body: dict[str, str] | None, story: Story
) -> None:
    """Also with a token that was given before."""
    ada, _, bob, organization_id = await strict(story)
    where = f"/v1/organizations/{organization_id}{path}"
    for _ in range(2):
        answer = await bob.call(method, where, json=body, headers={"if-match": '"v2"'})
        assert problem(answer) == (403, "second-factor-required")
        await bob.refresh()
    assert (await ada.call(method, where, json=body, headers={"if-match": '"v2"'})).status_code < 300
    listed = (await bob.call("GET", "/v1/organizations")).json()["items"]
    assert [each["id"] for each in listed] == [organization_id], "that it is there is no secret"


async def test_tokens_given_before_are_void_at_once_for_all_members(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    people = [await story.member(ada, organization_id, email, "editor") for email in (BOB, CAROL)]
    stranger = await story.person("dave.demands-64@house.test")
    await with_app(story, ada)
    before = len(await story.told(SessionsRevoked))
    assert (await change(ada, organization_id, **DEMAND)).status_code == 200
    told = [each for each in (await story.told(SessionsRevoked))[before:] if isinstance(each, SessionsRevoked)]
    assert {str(each.user_id) for each in told} == {each.user_id for each in (ada, *people)}
    assert all(each.session_id is None and each.organization_id is None for each in told)
    listed = (await story.http.get("/internal/revocations")).json()["revocations"]
    for person in people:
        epochs = [each["epoch"] for each in listed if each["user_id"] == person.user_id]
        (row,) = await story.admin("SELECT epoch FROM users WHERE id = $1", UUID(person.user_id))
        assert max(epochs) == row["epoch"]
    assert stranger.user_id not in {str(each.user_id) for each in told}
    assert (await ada.refresh(organization_id)).json()["role"] == "owner"


async def test_whoever_adds_a_factor_may_act_at_once_and_later_on(story: Story, forward: Forward) -> None:
    _, _, bob, organization_id = await strict(story)
    await bob.refresh()
    assert (await bob.call("GET", "/v1/me/factors")).json()["demanded_by"] == [
        {"organization_id": organization_id, "name": "Acme"}
    ]
    app = await with_app(story, bob)
    assert (await bob.refresh(organization_id)).json()["role"] == "admin"
    await forward(60)
    owed = await half_signed_in(story, bob, organization_id=organization_id)
    answer = await complete(story, owed["sign_in_token"], "totp", app.code())
    assert answer.json()["organization_id"] == organization_id


async def test_a_passkey_alone_is_enough(story: Story) -> None:
    _, _, bob, organization_id = await strict(story)
    key = Authenticator()
    await bob.refresh()
    await add_passkey(bob, key)
    body = {"assertion": key.answer(await ask(story)), "organization_id": organization_id}
    answer = await story.http.post("/v1/sessions/passkey", json=body)
    assert (answer.status_code, answer.json()["organization_id"]) == (201, organization_id)


async def test_a_session_becomes_strong_by_a_fresh_proof(story: Story, forward: Forward) -> None:
    """Bob's other session, which he began before he had an app."""
    _, _, bob, organization_id = await strict(story)
    other = Person(story.http, BOB, (await story.sign_in(BOB)).json())
    app = await with_app(story, bob)
    assert problem(await other.refresh(organization_id)) == (403, "second-factor-required")
    await forward(60)
    body = {"factor": "totp", "code": app.code()}
    assert (await other.call("POST", "/v1/sessions/current/proofs", json=body)).status_code == 200
    assert (await other.refresh(organization_id)).status_code == 200


async def test_a_remembered_device_is_asked_all_the_same(story: Story, forward: Forward) -> None:
    ada, app, _, organization_id = await strict(story)
    await forward(60)
    owed = await half_signed_in(story, ada)
    answer = await complete(story, owed["sign_in_token"], "totp", app.code(), remember_device=True)
    device = {"device-token": answer.json()["device_token"]}
    body = {"email": ADA, "password": GOOD}
    spared = await story.http.post("/v1/sessions", json=body, headers=device)
    assert spared.status_code == 201
    refused = await Person(story.http, ADA, spared.json()).refresh(organization_id)
    assert problem(refused) == (403, "second-factor-required")
    asked = await story.http.post("/v1/sessions", json=body | {"organization_id": organization_id}, headers=device)
    assert (asked.status_code, asked.json()["factors"]) == (202, ["totp", "recovery_code"])


async def test_later_members_are_asked_as_well(story: Story) -> None:
    ada, _, _, organization_id = await strict(story)
    carol = await story.member(ada, organization_id, CAROL, "editor")
    assert problem(await carol.refresh(organization_id)) == (403, "second-factor-required")
    await with_app(story, carol)
    assert (await carol.refresh(organization_id)).status_code == 200


async def test_whoever_demands_has_shown_a_factor_of_their_own_lately(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    editor = await story.member(ada, organization_id, BOB, "editor")
    assert problem(await change(ada, organization_id, **DEMAND)) == (403, "second-factor-required")
    app = await with_app(story, ada)
    await forward(11 * 60)
    await ada.refresh()
    assert problem(await change(ada, organization_id, **DEMAND)) == (403, "step-up-needed")
    assert (await change(ada, organization_id, name="Acme anew")).status_code == 200, "a name is not sensitive"
    body = {"factor": "totp", "code": app.code()}
    await ada.call("POST", "/v1/sessions/current/proofs", json=body)
    assert problem(await change(ada, organization_id, **DEMAND)) == (412, "version-mismatch")
    await editor.refresh()
    assert problem(await change(editor, organization_id, 2, **DEMAND)) == (403, "role-missing")
    assert (await change(ada, organization_id, 2, **DEMAND)).status_code == 200


async def test_what_changes_is_told_once_and_the_same_again_changes_nothing(story: Story) -> None:
    ada, _, bob, organization_id = await strict(story)
    before = len(await story.told())
    assert (await change(ada, organization_id, 2, name="Acme", **DEMAND)).headers["etag"] == '"v2"'
    assert len(await story.told()) == before
    assert problem(await ada.call("PATCH", f"/v1/organizations/{organization_id}", json=DEMAND)) == (
        428,
        "if-match-required",
    )
    lifted = await change(ada, organization_id, 2, name="Acme anew", requires_second_factor=False)
    assert (lifted.json()["name"], lifted.json()["requires_second_factor"], lifted.json()["version"]) == (
        "Acme anew",
        False,
        3,
    )
    facts = [each for each in (await story.told())[before:] if not isinstance(each, AuditEntry)]
    assert [(type(each), getattr(each, "version", None)) for each in facts] == [
        (OrganizationRenamed, 3),
        (OrganizationSecurityChanged, 3),
    ]
    lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    changed = [line for line in lines if line.action == "auth.organization.security_changed"]
    assert [(str(line.organization_id), line.details) for line in changed] == [
        (organization_id, {"second_factor": True}),
        (organization_id, {"second_factor": False}),
    ]
    assert (await bob.refresh(organization_id)).status_code == 200


async def test_the_last_factor_stays_while_an_organization_demands_one(story: Story) -> None:
    ada, app, _, organization_id = await strict(story)
    key = Authenticator()
    await ada.refresh()
    passkey = (await add_passkey(ada, key))["id"]
    assert (await ada.call("DELETE", f"/v1/me/factors/totp/{app.id}")).status_code == 204
    refused = await ada.call("DELETE", f"/v1/me/factors/passkeys/{passkey}")
    assert problem(refused) == (409, "factor-demanded")
    assert refused.json()["organizations"] == [organization_id]
    assert (await ada.call("GET", "/v1/me/factors")).json()["recovery_codes_left"] == 10
    answer = await story.http.post("/v1/sessions/passkey", json={"assertion": key.answer(await ask(story))})
    assert answer.status_code == 201, "nothing was removed"


async def test_of_two_factors_that_are_removed_at_once_one_stays(story: Story) -> None:
    ada, app, _, _ = await strict(story)
    other = await with_app(story, ada, "Another")
    answers = await asyncio.gather(
        *(ada.call("DELETE", f"/v1/me/factors/totp/{each.id}?end_other_sessions=false") for each in (app, other))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_nobody_slips_in_while_the_demand_is_made(story: Story) -> None:
    """Whoever refreshes, signs in or joins at that moment has a token that is void, or none for this organization."""
    ada = await story.person(ADA)
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, BOB, "editor")
    carol = await story.person(CAROL)
    await ada.invite(organization_id, CAROL)
    await story.deliver()
    invitation = {"token": story.postbox.token(CAROL)}
    await with_app(story, ada)

    async def join_and_act() -> httpx.Response:
        await carol.call("POST", "/v1/invitations/accept", json=invitation)
        return await carol.refresh(organization_id)

    answers = await asyncio.gather(
        bob.refresh(organization_id, token=bob.tokens["refresh_token"]),
        story.sign_in(BOB, organization_id=organization_id),
        change(ada, organization_id, **DEMAND),
        join_and_act(),
        story.sign_in(BOB, organization_id=organization_id),
    )
    assert answers[2].status_code == 200
    revoked = {
        str(row["user_id"]): row["epoch"]
        for row in await story.admin("SELECT user_id, max(epoch) AS epoch FROM revocations GROUP BY user_id")
    }
    for answer in (*answers[:2], *answers[3:]):
        if answer.status_code < 300 and answer.json().get("organization_id") == organization_id:
            caller = await story.verifier.verify(answer.json()["access_token"])
            assert caller.epoch < revoked[str(caller.user_id)], "given before, and void"
        else:
            assert answer.status_code in {200, 201, 202, 403, 404}


async def test_an_app_that_waits_for_its_first_code_is_no_factor(story: Story) -> None:
    _, _, bob, organization_id = await strict(story)
    await bob.refresh()
    await enrol(story, bob)
    assert problem(await bob.refresh(organization_id)) == (403, "second-factor-required")


async def test_people_of_an_agency_are_asked_as_well(story: Story) -> None:
    """Their tokens are void at once, a session without a second factor is refused, and their last factor stays."""
    ada, carol = await story.person("ada@agency.test"), await story.person("carol@client.test")
    agency, client = await ada.create("Agency"), await carol.create("Client")
    bob = await story.member(ada, agency, "bob@agency.test", "agent")
    business = Business(story, ada, bob, carol, agency, client)
    await business.sent({"role": "editor", "member_id": await business.member(bob)})
    assert (await bob.refresh(client)).json()["role"] == "editor"
    held = bob.tokens["access_token"]
    epoch = (await story.verifier.verify(held)).epoch
    await with_app(story, carol)
    before = len(await story.told(SessionsRevoked))
    assert (await change(carol, client, **DEMAND)).status_code == 200
    told = [each for each in (await story.told(SessionsRevoked))[before:] if isinstance(each, SessionsRevoked)]
    assert {str(each.user_id): each.epoch for each in told}[bob.user_id] > epoch
    assert {str(each.user_id) for each in told} == {bob.user_id, carol.user_id}, "and nobody who is not sent"
    assert problem(await bob.call("GET", f"/v1/organizations/{client}")) == (403, "second-factor-required")
    assert (await bob.refresh()).json()["organization_id"] is None
    assert problem(await bob.refresh(client)) == (403, "second-factor-required")
    assert (await bob.refresh(agency)).json()["role"] == "agent", "at home nobody asks"
    app = await with_app(story, bob)
    assert (await bob.refresh(client)).json()["role"] == "editor"
    assert (await bob.call("GET", "/v1/me/factors")).json()["demanded_by"] == [
        {"organization_id": client, "name": "Client"}
    ]
    refused = await bob.call("DELETE", f"/v1/me/factors/totp/{app.id}")
    assert problem(refused) == (409, "factor-demanded")


class TestPrograms:
    """Programs act for people where a second factor is demanded only if one was shown when they were let in."""

    @pytest.fixture
    def otherwise(self) -> dict[str, Any]:
        return {"token_issuer": ISSUER}

    async def test_only_a_session_with_a_second_factor_grants(self, story: Story, program: Program) -> None:
        _, _, bob, organization_id = await strict(story)
        await bob.refresh()
        token = request_of(await program.authorize())
        assert problem(await decide(bob, token, organization_id)) == (403, "second-factor-required")
        assert await story.admin("SELECT FROM oauth_grants") == []
        await with_app(story, bob)
        answer = await decide(bob, token, organization_id)
        assert answer.status_code == 200, "what was refused used nothing up"
        code = query_of(answer.json()["redirect_to"])["code"]
        tokens = (await program.exchange(code)).json()
        assert (await program.refresh(tokens["refresh_token"])).status_code == 200

    async def test_what_was_granted_without_one_ends_when_it_is_demanded(
        self, story: Story, program: Program
    ) -> None:
        ada = await story.person(ADA)
        organization_id = await ada.create()
        bob = await story.member(ada, organization_id, BOB, "editor")
        other = await bob.create("Bob's own")
        weak, elsewhere = [
            (await program.exchange(await granted(bob, program, each))).json() for each in (organization_id, other)
        ]
        unused = await granted(bob, program, organization_id)
        await with_app(story, ada)
        strong = (await program.exchange(await granted(ada, program, organization_id))).json()
        claims = await story.verifier.verify(weak["access_token"])
        assert (await change(ada, organization_id, **DEMAND)).status_code == 200
        refused = await program.refresh(weak["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert (await program.exchange(unused)).json()["error"] == "invalid_grant"
        assert await program.introspect(weak["access_token"]) == {"active": False}
        for going_on in (strong, elsewhere):
            assert (await program.refresh(going_on["refresh_token"])).status_code == 200
        (row,) = await story.admin("SELECT epoch FROM users WHERE id = $1", UUID(bob.user_id))
        assert claims.epoch < row["epoch"], "its access token is void at every gateway"
        lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
        ended = [line for line in lines if line.action == "auth.oauth_grant.ended"]
        assert [line.details for line in ended] == [{"because": "second-factor-demanded"}] * 2
        back = await change(ada, organization_id, 2, requires_second_factor=False)
        assert back.status_code == 200
        assert (await program.refresh(weak["refresh_token"])).status_code == 400, "over is over"

    async def test_one_that_slipped_through_ends_at_its_next_refresh(self, story: Story, program: Program) -> None:
        ada = await story.person(ADA)
        organization_id = await ada.create()
        bob = await story.member(ada, organization_id, BOB, "editor")
        weak = (await program.exchange(await granted(bob, program, organization_id))).json()
        await story.admin("UPDATE organizations SET requires_second_factor = true")
        assert (await program.refresh(weak["refresh_token"])).status_code == 400
        (row,) = await story.admin("SELECT ended_because FROM oauth_grants")
        assert row["ended_because"] == "second-factor-demanded"

    async def test_while_it_is_demanded_nothing_weak_is_granted(self, story: Story, program: Program) -> None:
        ada = await story.person(ADA)
        organization_id = await ada.create()
        bob = await story.member(ada, organization_id, BOB, "editor")
        await with_app(story, ada)
        asked = [request_of(await program.authorize()) for _ in range(4)]
        answers = await asyncio.gather(
            *(decide(bob, each, organization_id) for each in asked[:2]),
            change(ada, organization_id, **DEMAND),
            *(decide(bob, each, organization_id) for each in asked[2:]),
        )
        for answer in answers:
            said = query_of(answer.json().get("redirect_to", "")) if answer.status_code == 200 else {}
            if "code" in said:
                assert (await program.exchange(said["code"])).status_code == 400
        assert await story.admin("SELECT FROM oauth_grants WHERE NOT strong AND ended_at IS NULL") == []
