"""OAuth 2.1: a program asks, a person decides, tokens follow; and everything that must not follow."""

import asyncio
from typing import Any

import httpx
import httpx2
import pytest
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.jwk import KeySet

from contracts.auth import AuthAuditRecorded, SessionsRevoked
from kit.http.caller import MemberCaller, TokenRefused

from .conftest import Forward
from .oauth import CALLBACK, ISSUER, AsyncOAuth2Client, Clients, Program, decide, granted, query_of, request_of, s256
from .story import Person, Story, problem


@pytest.fixture
def otherwise() -> dict[str, Any]:
    """The name that the metadata says."""
    return {"token_issuer": ISSUER}


def oauth_error(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize("public", [False, True])
async def test_a_standard_client_goes_all_the_way_without_special_cases(
    story: Story, clients: Clients, bob: Person, acme: str, public: bool
) -> None:
    """authlib's own client: discovery, code with PKCE, ID token, userinfo, refresh, introspection, revocation."""
    made = await clients.registered(public=public)
    transport = httpx.ASGITransport(app=story.app)
    browser = httpx.AsyncClient(transport=transport)
    client = AsyncOAuth2Client(
        made["id"],
        made["client_secret"],
        redirect_uri=CALLBACK,
        scope="openid email posts:read",
        code_challenge_method="S256",
        token_endpoint_auth_method="none" if public else "client_secret_basic",
        transport=httpx2.ASGITransport(app=story.app),  # it is built on the successor of httpx
    )
    async with browser, client:
        found = await browser.get(get_well_known_url(ISSUER, external=True))
        server = AuthorizationServerMetadata(found.json())
        server.validate()
        openid = (await browser.get(f"{ISSUER}/.well-known/openid-configuration")).json()
        assert openid == dict(server)
        assert server["issuer"] == ISSUER

        verifier, nonce = generate_token(48), generate_token()
        address, state = client.create_authorization_url(
            server["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        asked = await browser.get(address)
        decided = await decide(bob, request_of(asked), acme)
        back = decided.json()["redirect_to"]
        assert back.startswith(CALLBACK + "?")
        assert query_of(back)["iss"] == ISSUER

        token = await client.fetch_token(
            server["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
        )
        assert token["token_type"] == "Bearer"
        assert token["scope"] == "email openid posts:read"
        keys = KeySet.import_key_set((await browser.get(server["jwks_uri"])).json())
        identity = jwt.decode(token["id_token"], keys, algorithms=["EdDSA"])
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": made["id"]},
            sub={"essential": True, "value": bob.user_id},
            nonce={"essential": True, "value": nonce},
            azp={"essential": True, "value": made["id"]},
            at_hash={"essential": True, "value": create_half_hash(token["access_token"], "EdDSA").decode()},
        )
        registry.validate(identity.claims)
        assert identity.claims["auth_time"] <= identity.claims["iat"]

        person = (await client.get(server["userinfo_endpoint"])).json()
        assert person == {"sub": bob.user_id, "email": "bob@customer.test", "email_verified": True}

        newer = await client.refresh_token(server["token_endpoint"])
        assert newer["refresh_token"] != token["refresh_token"]
        if not public:
            worth = await client.introspect_token(server["introspection_endpoint"], newer["access_token"])
            assert worth.json()["active"] is True
            assert worth.json()["client_id"] == made["id"]
        ended = await client.revoke_token(server["revocation_endpoint"], newer["refresh_token"], "refresh_token")
        assert ended.status_code == 200
    caller = await story.verifier.verify(newer["access_token"])
    assert isinstance(caller, MemberCaller)
    (told,) = [each for each in await story.told(SessionsRevoked) if isinstance(each, SessionsRevoked)]
    assert told.session_id == caller.session_id, "gateways refuse the access token, too"


async def test_a_program_acts_as_its_person_narrowed_by_its_scopes(
    story: Story, program: Program, bob: Person, acme: str
) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    caller = await story.verifier.verify(token["access_token"])
    assert isinstance(caller, MemberCaller)
    assert (caller.kind, str(caller.user_id), str(caller.organization_id)) == ("user", bob.user_id, acme)
    assert (caller.role, caller.scopes, str(caller.client_id)) == ("owner", frozenset({"posts:read"}), program.id)
    machine = Person(story.http, bob.email, {"access_token": token["access_token"], "user_id": bob.user_id})
    for method, path in (
        ("GET", "/v1/me"),
        ("GET", f"/v1/organizations/{acme}/members"),
        ("DELETE", "/v1/sessions"),
        ("GET", "/v1/me/authorized-apps"),
        ("POST", "/v1/oauth/authorization-requests/x"),
    ):
        assert problem(await machine.call(method, path, json={"decision": "deny"})) == (403, "scope-missing"), path


async def test_an_id_token_opens_nothing(story: Story, program: Program, bob: Person, acme: str) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    with pytest.raises(TokenRefused):
        await story.verifier.verify(token["id_token"])


async def test_a_code_is_good_once_and_its_second_use_ends_what_was_made_of_it(
    story: Story, program: Program, bob: Person, acme: str
) -> None:
    code = await granted(bob, program, acme)
    first = (await program.exchange(code)).json()
    assert oauth_error(await program.exchange(code)) == (400, "invalid_grant")
    assert oauth_error(await program.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert await program.introspect(first["access_token"]) == {"active": False}
    assert len(await story.told(SessionsRevoked)) == 1


async def test_of_one_code_in_parallel_one_makes_tokens_and_they_end(
    story: Story, program: Program, bob: Person, acme: str
) -> None:
    code = await granted(bob, program, acme)
    answers = await asyncio.gather(*(program.exchange(code) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    (good,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert await program.introspect(good["refresh_token"]) == {"active": False}
    assert len(await story.told(SessionsRevoked)) == 1


async def test_a_code_lives_for_a_minute(program: Program, bob: Person, acme: str, forward: Forward) -> None:
    code = await granted(bob, program, acme)
    await forward(61)
    assert oauth_error(await program.exchange(code)) == (400, "invalid_grant")


async def test_a_request_waits_for_ten_minutes_and_is_decided_once(
    program: Program, bob: Person, acme: str, forward: Forward
) -> None:
    token = request_of(await program.authorize())
    answers = await asyncio.gather(*(decide(bob, token, acme) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 4
    late = request_of(await program.authorize())
    await forward(601)
    await bob.refresh()
    assert problem(await decide(bob, late, acme)) == (410, "authorization-request-over")
    assert problem(await decide(bob, "forged", acme)) == (410, "authorization-request-over")


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": None},
        {"code_verifier": "short"},
        {"redirect_uri": "https://partner.test/other"},
        {"redirect_uri": None},
        {"code": "forged"},
        {"code": None},
    ],
    ids=str,
)
async def test_a_code_is_exchanged_only_as_it_was_asked_for(
    program: Program, bob: Person, acme: str, changed: dict[str, Any]
) -> None:
    code = await granted(bob, program, acme)
    status, error = oauth_error(await program.exchange(**{"code": code} | changed))
    assert (status, error) in ((400, "invalid_grant"), (400, "invalid_request"))
    assert (await program.exchange(code)).status_code == 200, "a wrong try does not use it up"


def test_the_example_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert create_s256_code_challenge(verifier) == s256(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_the_verifier_of_rfc_7636_is_taken(program: Program, bob: Person, acme: str) -> None:
    code = await granted(bob, program, acme, code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    answer = await program.exchange(code, code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert answer.status_code == 200


async def test_a_code_of_another_program_is_worth_nothing(
    story: Story, clients: Clients, program: Program, bob: Person, acme: str
) -> None:
    other = Program(story, await clients.registered(), program.verifier)
    code = await granted(bob, program, acme)
    assert oauth_error(await other.exchange(code)) == (400, "invalid_grant")
    token = (await program.exchange(code)).json()
    assert oauth_error(await other.exchange(code)) == (400, "invalid_grant")
    assert oauth_error(await other.refresh(token["refresh_token"])) == (400, "invalid_grant")
    assert await other.introspect(token["access_token"]) == {"active": False}
    assert await other.introspect(token["refresh_token"]) == {"active": False}
    assert (await other.post("revoke", {"token": token["refresh_token"]})).status_code == 200
    assert (await program.introspect(token["refresh_token"]))["active"], "another's revocation ends nothing"


async def test_refreshing_gives_a_successor_and_an_old_token_ends_the_family(
    story: Story, program: Program, bob: Person, acme: str, forward: Forward
) -> None:
    first = (await program.exchange(await granted(bob, program, acme))).json()["refresh_token"]
    second = (await program.refresh(first)).json()["refresh_token"]
    assert second != first
    assert (await program.refresh(first)).json()["refresh_token"] == second, "an answer may be lost"
    await forward(11)
    third = (await program.refresh(second)).json()["refresh_token"]
    await forward(11)
    assert oauth_error(await program.refresh(first)) == (400, "invalid_grant")
    assert oauth_error(await program.refresh(third)) == (400, "invalid_grant")
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert [each.details for each in lines if each.action == "auth.oauth_grant.ended"] == [{"because": "reused"}]


async def test_fifty_refreshes_at_once_give_one_successor(program: Program, bob: Person, acme: str) -> None:
    first = (await program.exchange(await granted(bob, program, acme))).json()["refresh_token"]
    answers = await asyncio.gather(*(program.refresh(first) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_nobody_ends_a_grant_with_a_used_token_who_is_not_the_program(
    story: Story, program: Program, bob: Person, acme: str, forward: Forward
) -> None:
    first = (await program.exchange(await granted(bob, program, acme))).json()["refresh_token"]
    await forward(11)
    second = (await program.refresh(first)).json()["refresh_token"]
    await forward(11)
    third = (await program.refresh(second)).json()["refresh_token"]
    stranger = {"grant_type": "refresh_token", "refresh_token": first, "client_id": program.id}
    answer = await story.http.post("/v1/oauth/token", data=stranger)
    assert oauth_error(answer) == (401, "invalid_client")
    assert (await program.refresh(third)).status_code == 200


async def test_a_refresh_may_narrow_and_never_widen(program: Program, bob: Person, acme: str) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    narrower = await program.refresh(token["refresh_token"], scope="openid")
    assert narrower.json()["scope"] == "openid"
    wider = await program.refresh(narrower.json()["refresh_token"], scope="openid posts:read posts:write")
    assert oauth_error(wider) == (400, "invalid_scope")


async def test_what_a_person_loses_their_programs_lose(
    story: Story, program: Program, bob: Person, acme: str
) -> None:
    eve = await story.member(bob, acme, "eve@customer.test", "editor")
    token = (await program.exchange(await granted(eve, program, acme))).json()
    member = (await bob.members(acme))["eve@customer.test"]["id"]
    path = f"/v1/organizations/{acme}/members/{member}"
    await bob.call("PATCH", path, json={"role": "analyst"})
    assert await program.introspect(token["access_token"]) == {"active": False}, "the role of then"
    fresh = (await program.refresh(token["refresh_token"])).json()
    assert (await story.verifier.verify(fresh["access_token"])).role == "analyst"
    await bob.call("DELETE", path)
    assert oauth_error(await program.refresh(fresh["refresh_token"])) == (400, "invalid_grant")


async def test_signing_out_everywhere_ends_programs_too(program: Program, bob: Person, acme: str) -> None:
    code = await granted(bob, program, acme)
    token = (await program.exchange(await granted(bob, program, acme))).json()
    assert (await bob.call("DELETE", "/v1/sessions")).status_code == 204
    assert oauth_error(await program.refresh(token["refresh_token"])) == (400, "invalid_grant")
    assert oauth_error(await program.exchange(code)) == (400, "invalid_grant")


async def test_an_ended_program_gets_nothing_any_more(
    story: Story, clients: Clients, program: Program, bob: Person, acme: str
) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    waiting = request_of(await program.authorize())
    assert (await clients.owner.call("DELETE", f"{clients.path}/{program.id}")).status_code == 204
    status, error = oauth_error(await program.refresh(token["refresh_token"]))
    assert (status in (400, 401), error) == (True, "invalid_client")
    assert problem(await decide(bob, waiting, acme)) == (410, "authorization-request-over")
    assert (await program.authorize()).status_code == 400
    snapshot = (await story.http.get("/internal/revocations")).json()["revocations"]
    assert program.id in {each["session_id"] for each in snapshot}


async def test_a_token_may_name_the_interface_it_is_for(program: Program, bob: Person, acme: str) -> None:
    code = await granted(bob, program, acme, resource=ISSUER)
    assert (await program.exchange(code, resource=f"{ISSUER}/")).status_code == 200
    code = await granted(bob, program, acme)
    assert oauth_error(await program.exchange(code, resource="https://other.test")) == (400, "invalid_target")


async def test_introspection_tells_of_ones_own_tokens_alone(
    story: Story, program: Program, bob: Person, acme: str, forward: Forward
) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    told = await program.introspect(token["access_token"])
    assert (told["sub"], told["client_id"], told["scope"]) == (bob.user_id, program.id, "posts:read")
    assert (told["org"], told["role"], told["iss"]) == (acme, "owner", ISSUER)
    refresh = await program.introspect(token["refresh_token"])
    assert (refresh["active"], refresh["token_type"]) == (True, "refresh_token")
    for foreign in (bob.tokens["access_token"], bob.tokens["refresh_token"], "junk", "", token["id_token"]):
        assert await program.introspect(foreign) == {"active": False}
    answer = await story.http.post("/v1/oauth/introspect", data={"token": token["access_token"]})
    assert oauth_error(answer)[1] == "invalid_client"
    await forward(606)
    assert await program.introspect(token["access_token"]) == {"active": False}


async def test_revoking_an_access_token_ends_the_grant(program: Program, bob: Person, acme: str) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    assert (await program.post("revoke", {"token": token["access_token"]})).status_code == 200
    assert oauth_error(await program.refresh(token["refresh_token"])) == (400, "invalid_grant")
    for again in (token["access_token"], "junk"):
        assert (await program.post("revoke", {"token": again})).status_code == 200


async def test_userinfo_tells_what_was_granted_and_nothing_after_the_end(
    story: Story, program: Program, bob: Person, acme: str
) -> None:
    async def asked(token: str) -> httpx.Response:
        return await story.http.get("/v1/oauth/userinfo", headers={"authorization": f"Bearer {token}"})

    token = (await program.exchange(await granted(bob, program, acme))).json()
    assert (await asked(token["access_token"])).json() == {"sub": bob.user_id}
    without = (await program.exchange(await granted(bob, program, acme, scope="posts:read"))).json()
    assert problem(await asked(without["access_token"])) == (401, "userinfo-refused")
    assert problem(await asked(bob.tokens["access_token"])) == (401, "userinfo-refused")
    assert (await bob.call("DELETE", f"/v1/me/authorized-apps/{program.id}")).status_code == 204
    assert problem(await asked(token["access_token"])) == (401, "userinfo-refused")


# What a person sees of it


async def test_a_person_sees_their_programs_and_takes_back_what_they_gave(
    story: Story, program: Program, bob: Person, acme: str
) -> None:
    tokens = [(await program.exchange(await granted(bob, program, acme))).json() for _ in range(2)]
    (app,) = (await bob.call("GET", "/v1/me/authorized-apps")).json()["items"]
    assert (app["client_id"], app["name"], app["organization_id"]) == (program.id, "Planner", acme)
    assert app["scopes"] == ["openid", "posts:read"]
    assert app["last_used_at"] is not None
    assert (await bob.call("DELETE", f"/v1/me/authorized-apps/{program.id}")).status_code == 204
    for token in tokens:
        assert oauth_error(await program.refresh(token["refresh_token"])) == (400, "invalid_grant")
    assert len(await story.told(SessionsRevoked)) == 2
    assert (await bob.call("GET", "/v1/me/authorized-apps")).json()["items"] == []
    answer = await bob.call("DELETE", f"/v1/me/authorized-apps/{program.id}")
    assert problem(answer) == (404, "app-not-authorized")


async def test_another_persons_programs_are_not_shown(story: Story, program: Program, bob: Person, acme: str) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    eve = await story.person("eve@customer.test")
    assert (await eve.call("GET", "/v1/me/authorized-apps")).json()["items"] == []
    assert (await eve.call("DELETE", f"/v1/me/authorized-apps/{program.id}")).status_code == 404
    assert (await program.refresh(token["refresh_token"])).status_code == 200


async def test_the_oldest_grants_make_room(story: Story, program: Program, bob: Person, acme: str) -> None:
    first = (await program.exchange(await granted(bob, program, acme))).json()
    for _ in range(20):
        await granted(bob, program, acme)
    assert oauth_error(await program.refresh(first["refresh_token"])) == (400, "invalid_grant")
    alive = await story.admin("SELECT count(*) FROM oauth_grants WHERE ended_at IS NULL")
    assert alive[0]["count"] == 20


async def test_what_is_narrowed_later_narrows_the_next_token(
    story: Story, clients: Clients, program: Program, bob: Person, acme: str
) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    body = {"name": "Planner", "redirect_uris": [CALLBACK], "scopes": ["openid"]}
    path = f"{clients.path}/{program.id}"
    assert (await clients.owner.call("PUT", path, json=body, headers={"if-match": '"v1"'})).status_code == 200
    fresh = (await program.refresh(token["refresh_token"])).json()
    assert (await story.verifier.verify(fresh["access_token"])).scopes == frozenset()


async def test_what_is_over_is_forgotten(
    story: Story, program: Program, bob: Person, acme: str, forward: Forward
) -> None:
    await program.exchange(await granted(bob, program, acme))
    await program.authorize()
    await forward(92 * 86_400)
    await story.parts.sweeper.sweep()
    for table in ("oauth_requests", "oauth_grants"):
        assert await story.count(table) == 0
    assert await story.count("oauth_consents") == 1


async def test_what_is_granted_refused_and_taken_back_is_on_record(
    story: Story, program: Program, bob: Person, acme: str
) -> None:
    token = (await program.exchange(await granted(bob, program, acme))).json()
    await program.post("revoke", {"token": token["refresh_token"]})
    await decide(bob, request_of(await program.authorize()), None, "deny")
    await bob.call("DELETE", f"/v1/me/authorized-apps/{program.id}")
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    grant_id = str((await story.verifier.verify(token["access_token"])).session_id)
    assert [
        (each.action, each.target_id, each.organization_id and str(each.organization_id), each.actor_kind)
        for each in lines
        if each.action.startswith("auth.oauth_grant.")
    ] == [
        ("auth.oauth_grant.given", grant_id, acme, "user"),
        ("auth.oauth_grant.ended", grant_id, acme, "system"),
        ("auth.oauth_grant.refused", program.id, None, "user"),
        ("auth.oauth_grant.withdrawn", program.id, None, "user"),
    ]


async def test_no_code_token_or_secret_lies_anywhere(story: Story, program: Program, bob: Person, acme: str) -> None:
    code = await granted(bob, program, acme)
    token = (await program.exchange(code)).json()
    names = await story.admin(
        "SELECT relname FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind IN ('r', 'p')"
    )
    hidden = [code, token["access_token"], token["refresh_token"], token["id_token"], str(program.secret)]
    for name in (row["relname"] for row in names):
        for row in await story.admin(f"SELECT t::text AS text FROM {name} AS t"):
            assert not [each for each in hidden if each in row["text"]], name
