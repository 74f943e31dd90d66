"""How a program asks, proves itself and is answered."""

import base64
from typing import Any

import httpx
import pytest

from kit.http.caller import MemberCaller

from .conftest import Forward
from .oauth import CALLBACK, ISSUER, Clients, Program, decide, granted, query_of, request_of
from .story import Person, Story, problem
from .test_oauth_flows import oauth_error


@pytest.fixture
def otherwise() -> dict[str, Any]:
    """The name that the metadata says."""
    return {"token_issuer": ISSUER}


async def test_the_program_is_told_what_is_wrong_at_its_own_address(program: Program) -> None:
    for changed, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": 'x"<script>'}, "unsupported_response_type"),
        ({"scope": "posts:write"}, "invalid_scope"),
        ({"scope": 'x"\\'}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"resource": "https://other.test"}, "invalid_target"),
        ({"prompt": "none"}, "interaction_required"),
        ({"request": "ey.J.x"}, "request_not_supported"),
        ({"request_uri": "https://partner.test/x"}, "request_uri_not_supported"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"nonce": "n" * 501}, "invalid_request"),
        ({"nonce": "\u202e"}, "invalid_request"),
    ):
        answer = await program.authorize(**changed)
        assert answer.status_code == 303, (changed, answer.text)
        where = answer.headers["location"]
        assert where.startswith(f"{CALLBACK}?"), (changed, where)
        said = query_of(where)
        assert (said["error"], said["state"], said["iss"]) == (error, "the-state", ISSUER), changed


async def test_nobody_is_sent_to_an_address_that_is_not_the_programs(story: Story, program: Program) -> None:
    for changed in (
        {"redirect_uri": "https://evil.test/callback"},
        {"redirect_uri": CALLBACK + "/../evil"},
        {"redirect_uri": CALLBACK + "?next=https://evil.test"},
        {"redirect_uri": "javascript:alert(1)"},
        {"client_id": "00000000-0000-7000-8000-000000000000"},
        {"client_id": "' OR 1=1 --"},
        {"client_id": None},
    ):
        answer = await program.authorize(**changed)
        assert answer.status_code == 400, changed
        assert "location" not in answer.headers
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "evil" not in answer.text
    twice = f"/v1/oauth/authorize?client_id={program.id}&redirect_uri={CALLBACK}&redirect_uri=https://evil.test"
    assert (await story.http.get(twice)).status_code == 400
    scope_twice = f"/v1/oauth/authorize?client_id={program.id}&redirect_uri={CALLBACK}&scope=openid&scope=email"
    assert query_of((await story.http.get(scope_twice)).headers["location"])["error"] == "invalid_request"


async def test_a_program_on_ones_own_machine_listens_on_any_port(
    story: Story, clients: Clients, bob: Person, acme: str
) -> None:
    made = await clients.registered(public=True, redirect_uris=["http://127.0.0.1/cb"])
    program = Program(story, made)
    where = "http://127.0.0.1:53124/cb"
    token = request_of(await program.authorize(redirect_uri=where))
    back = (await decide(bob, token, acme)).json()["redirect_to"]
    assert back.startswith(f"{where}?")
    assert (await program.exchange(query_of(back)["code"], redirect_uri=where)).status_code == 200


async def test_the_only_address_need_not_be_named(program: Program, bob: Person, acme: str) -> None:
    code = await granted(bob, program, acme, redirect_uri=None)
    assert (await program.exchange(code, redirect_uri=None)).status_code == 200


async def test_a_person_who_denies_gives_nothing(program: Program, bob: Person) -> None:
    token = request_of(await program.authorize())
    said = query_of((await decide(bob, token, None, "deny")).json()["redirect_to"])
    assert (said["error"], said["state"], said["iss"]) == ("access_denied", "the-state", ISSUER)
    assert "code" not in said
    assert problem(await decide(bob, token, None, "deny")) == (410, "authorization-request-over")


async def test_what_is_asked_is_said_in_words(clients: Clients, program: Program, bob: Person, acme: str) -> None:
    token = request_of(await program.authorize())
    shown = (await bob.call("GET", f"/v1/oauth/authorization-requests/{token}")).json()
    assert (shown["client_name"], shown["organization_name"]) == ("Planner", "Partner Ltd")
    assert {"scope": "posts:read", "allows": "Read posts."} in shown["scopes"]
    assert [(each["id"], each["role"], each["remembered"]) for each in shown["organizations"]] == [
        (acme, "owner", False)
    ]
    assert clients.id not in {each["id"] for each in shown["organizations"]}


async def test_a_consent_is_remembered_for_programs_that_prove_who_they_are(
    story: Story, clients: Clients, program: Program, bob: Person, acme: str
) -> None:
    public = Program(story, await clients.registered(public=True))
    for each, changed, remembered in (
        (program, {}, True),
        (program, {"scope": "openid"}, True),
        (program, {"scope": "openid email posts:read"}, False),
        (program, {"prompt": "consent"}, False),
        (public, {}, False),
    ):
        await granted(bob, each, acme, scope="openid posts:read")
        token = request_of(await each.authorize(**changed))
        shown = (await bob.call("GET", f"/v1/oauth/authorization-requests/{token}")).json()
        assert shown["organizations"][0]["remembered"] is remembered, changed


async def test_deciding_needs_a_fresh_proof_and_an_organization_of_ones_own(
    story: Story, clients: Clients, program: Program, bob: Person, acme: str, forward: Forward
) -> None:
    token = request_of(await program.authorize())
    for where in (clients.id, None, "00000000-0000-7000-8000-000000000000"):
        assert problem(await decide(bob, token, where)) == (409, "consent-incomplete")
    assert (await story.http.get(f"/v1/oauth/authorization-requests/{token}")).status_code == 401
    await forward(11 * 60)
    await bob.refresh()
    late = request_of(await program.authorize())
    assert problem(await decide(bob, late, acme)) == (403, "step-up-needed")


# The endpoints for programs


async def test_a_program_proves_itself_in_one_of_two_ways(
    story: Story, clients: Clients, program: Program, bob: Person, acme: str
) -> None:
    for basic in (True, False):
        code = await granted(bob, program, acme)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": program.verifier,
        }
        assert (await program.post("token", fields, basic=basic)).status_code == 200
    for auth in (
        httpx.BasicAuth(program.id, "rcs_wrong"),
        httpx.BasicAuth("00000000-0000-7000-8000-000000000000", str(program.secret)),
        httpx.BasicAuth("nobody", ""),
    ):
        answer = await story.http.post("/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)
        assert oauth_error(answer)[1] == "invalid_client"
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
    for header in (
        "Basic !!!",
        f"Basic {base64.b64encode(bytes([255, 254])).decode()}",
        "Basic",
        "Bearer x",
        "Basic Og==",
    ):
        answer = await story.http.post(
            "/v1/oauth/token", data={"grant_type": "client_credentials"}, headers={"authorization": header}
        )
        assert oauth_error(answer)[1] == "invalid_client", header
    public = Program(story, await clients.registered(public=True))
    answer = await story.http.post(
        "/v1/oauth/token", data={"grant_type": "client_credentials", "client_id": public.id}
    )
    assert answer.status_code in (400, 401)
    with_secret = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": program.id}
    assert oauth_error(await story.http.post("/v1/oauth/token", data=with_secret)) == (401, "invalid_client")


async def test_an_old_secret_is_good_until_its_overlap_is_over(
    story: Story, clients: Clients, forward: Forward
) -> None:
    made = await clients.registered(role="editor")
    old = Program(story, made)
    path = f"{clients.path}/{old.id}/secrets"
    made = (await clients.owner.call("POST", path, json={"overlap_seconds": 60})).json()
    new = Program(story, made)
    for each in (old, new):
        assert (await each.post("token", {"grant_type": "client_credentials"})).status_code == 200
    await forward(61)
    assert oauth_error(await old.post("token", {"grant_type": "client_credentials"})) == (401, "invalid_client")
    assert (await new.post("token", {"grant_type": "client_credentials"})).status_code == 200


async def test_a_program_acts_for_itself_in_its_own_organization(story: Story, clients: Clients) -> None:
    made = await clients.registered(role="editor", scopes=["openid", "posts:read", "posts:write"])
    program = Program(story, made)
    answer = await program.post("token", {"grant_type": "client_credentials", "scope": "posts:read"})
    assert answer.status_code == 200, answer.text
    token = answer.json()
    assert token["scope"] == "posts:read"
    assert "refresh_token" not in token
    assert "id_token" not in token
    caller = await story.verifier.verify(token["access_token"])
    assert isinstance(caller, MemberCaller)
    assert (caller.kind, str(caller.user_id), str(caller.client_id)) == ("client", program.id, program.id)
    assert (str(caller.organization_id), caller.role) == (clients.id, "editor")
    assert caller.scopes == frozenset({"posts:read"})

    everything = (await program.post("token", {"grant_type": "client_credentials"})).json()
    assert everything["scope"] == "posts:read posts:write"
    for scope in ("openid", "contacts:read", "organizations:write"):
        refused = await program.post("token", {"grant_type": "client_credentials", "scope": scope})
        assert oauth_error(refused) == (400, "invalid_scope")
    assert (await program.introspect(token["access_token"]))["active"] is True
    assert (await program.post("revoke", {"token": token["access_token"]})).status_code == 200
    assert await program.introspect(token["access_token"]) == {"active": False}
    assert (await program.introspect(everything["access_token"]))["active"] is True, "each token for itself"


async def test_a_program_without_a_role_acts_for_nobody(program: Program) -> None:
    answer = await program.post("token", {"grant_type": "client_credentials"})
    assert oauth_error(answer) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "", None]
)
async def test_there_are_no_other_grants(program: Program, grant_type: str | None) -> None:
    answer = await program.post("token", {"grant_type": grant_type, "username": "x", "password": "y"})
    assert oauth_error(answer)[1] in ("unsupported_grant_type", "invalid_request")


async def test_only_forms_are_read_and_each_field_once(story: Story, program: Program) -> None:
    for content, kind in (
        (b'{"grant_type":"client_credentials"}', "application/json"),
        (b"grant_type=client_credentials&grant_type=password", "application/x-www-form-urlencoded"),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % number for number in range(100)), "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&x=" + b"y" * 5000, "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials%00", "application/x-www-form-urlencoded"),
    ):
        for path in ("token", "introspect", "revoke"):
            answer = await story.http.post(f"/v1/oauth/{path}", content=content, headers={"content-type": kind})
            assert answer.status_code in (400, 401), (path, content)
            assert answer.json()["error"] in ("invalid_request", "invalid_client", "unsupported_grant_type")
    _ = program
