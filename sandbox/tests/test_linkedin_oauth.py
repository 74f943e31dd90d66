from typing import Any

import httpx
import pytest

from .member_of_linkedin import (
    ACCESS_TOKEN,
    ALL,
    AUTHORIZATION,
    POSTS,
    REDIRECT,
    Application,
    answered,
    asked,
    consent,
    exchange,
)


async def test_a_person_sees_who_asks_for_what_and_may_allow_or_cancel(http: httpx.AsyncClient) -> None:
    page = await http.get(AUTHORIZATION, params=asked(state="<script>"))
    assert page.status_code == 200
    assert "Allow as Ann Example" in page.text
    assert "w_member_social" in page.text
    assert "<script>" not in page.text


async def test_consent_brings_code_and_state_back(http: httpx.AsyncClient) -> None:
    back = answered(await http.get(AUTHORIZATION, params=asked(approve="ann")))
    assert back["state"] == "a&b"
    assert set(back) == {"code", "state"}


@pytest.mark.parametrize(
    ("deny", "error"), [("login", "user_cancelled_login"), ("authorize", "user_cancelled_authorize")]
)
async def test_a_person_who_cancels_sends_the_error_back(http: httpx.AsyncClient, deny: str, error: str) -> None:
    back = answered(await http.get(AUTHORIZATION, params=asked(deny=deny)))
    assert (back["error"], back["state"]) == (error, "a&b")
    assert back["error_description"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"redirect_uri": ""},
        {"redirect_uri": "https://example.org/callback"},
        {"redirect_uri": "http://[broken"},
        {"redirect_uri": "javascript://127.0.0.1/alert(1)"},
    ],
)
async def test_who_cannot_be_trusted_is_not_redirected(http: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    response = await http.get(AUTHORIZATION, params=asked(approve="ann", **wrong))
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_a_registered_address_must_match_exactly(http: httpx.AsyncClient) -> None:
    await http.put("/linkedin/control/app", json={"redirect_uris": [REDIRECT]})
    assert (await http.get(AUTHORIZATION, params=asked(redirect_uri=f"{REDIRECT}/"))).status_code == 400
    assert (await http.get(AUTHORIZATION, params=asked(approve="ann"))).status_code == 302


@pytest.mark.parametrize("scope", ["w_everything", f"{ALL} r_emailaddress", ""])
async def test_a_scope_the_application_does_not_have_is_refused(http: httpx.AsyncClient, scope: str) -> None:
    back = answered(await http.get(AUTHORIZATION, params=asked(approve="ann", scope=scope)))
    assert back["error"] == "unauthorized_scope_error"


async def test_a_code_gives_tokens_once(http: httpx.AsyncClient) -> None:
    back = answered(await http.get(AUTHORIZATION, params=asked(approve="ann")))
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    tokens = (await exchange(http, **form)).json()
    assert tokens["expires_in"] == 60 * 86_400
    assert tokens["refresh_token_expires_in"] == 365 * 86_400
    assert set(tokens["scope"].split(",")) == set(ALL.split())

    again = await exchange(http, **form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")


async def test_a_code_is_good_for_its_own_address_only(http: httpx.AsyncClient) -> None:
    back = answered(await http.get(AUTHORIZATION, params=asked(approve="ann")))
    other = "http://127.0.0.1:9/other"
    refused = await exchange(http, grant_type="authorization_code", code=back["code"], redirect_uri=other)
    assert refused.json()["error"] == "invalid_request"


async def test_a_code_lives_as_long_as_it_is_told(http: httpx.AsyncClient) -> None:
    await http.put("/linkedin/control/app", json={"code_seconds": 0.000001})
    back = answered(await http.get(AUTHORIZATION, params=asked(approve="ann")))
    late = await exchange(http, grant_type="authorization_code", code=back["code"], redirect_uri=REDIRECT)
    assert late.status_code == 400


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "guessed"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "client_secret": "\u00e9\u00e9"}, 401, "invalid_client"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
async def test_token_errors_are_linkedins(
    http: httpx.AsyncClient, form: dict[str, str], status: int, error: str
) -> None:
    response = await exchange(http, **form)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe%%%", b"client_id=\xff", b"{}" * 10_000])
async def test_a_body_that_is_no_form_is_an_error_of_the_caller(http: httpx.AsyncClient, body: bytes) -> None:
    assert (await http.post(ACCESS_TOKEN, content=body)).status_code == 400


async def test_a_refresh_token_gives_new_access_and_stays(http: httpx.AsyncClient) -> None:
    first = (await consent(http)).tokens
    refreshed = await exchange(http, grant_type="refresh_token", refresh_token=first["refresh_token"])
    second = refreshed.json()
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] == first["refresh_token"]
    assert second["refresh_token_expires_in"] <= first["refresh_token_expires_in"]


async def test_other_scopes_end_the_older_tokens(http: httpx.AsyncClient) -> None:
    first, same = await consent(http), await consent(http)
    assert (await first.get("/linkedin/api/v2/userinfo")).status_code == 200
    await consent(http, scope="openid")
    for ended in (first, same):
        assert (await ended.get("/linkedin/api/v2/userinfo")).json()["code"] == "REVOKED_ACCESS_TOKEN"


@pytest.mark.parametrize(("state", "code"), [("revoked", 65601), ("expired", 65602)])
async def test_tokens_can_be_ended_from_outside(http: httpx.AsyncClient, state: str, code: int) -> None:
    ann, bob = await consent(http), await consent(http, "bob")
    ending = {"state": state, "person": "ann", "refreshable": state == "expired"}
    assert (await http.post("/linkedin/control/tokens/end", json=ending)).json() == {"ended": 1}
    refused = await ann.get(POSTS, q="author", author="urn:li:person:ann")
    assert (refused.status_code, refused.json()["serviceErrorCode"]) == (401, code)
    assert (await bob.get("/linkedin/api/v2/userinfo")).json()["sub"] == "bob"

    refreshed = await exchange(http, grant_type="refresh_token", refresh_token=ann.tokens["refresh_token"])
    assert refreshed.status_code == (200 if state == "expired" else 400)
    shown = (await http.get("/linkedin/control/tokens", params={"person": "ann"})).json()
    assert shown[0]["state"] == state


async def test_tokens_can_be_short_lived(http: httpx.AsyncClient) -> None:
    await http.put("/linkedin/control/app", json={"access_token_seconds": 0.000001, "refresh_tokens": False})
    ann = await consent(http)
    assert "refresh_token" not in ann.tokens
    assert (await ann.get("/linkedin/api/v2/userinfo")).json()["code"] == "EXPIRED_ACCESS_TOKEN"


async def test_a_person_can_consent_at_once(http: httpx.AsyncClient) -> None:
    person = {"id": "cleo", "name": "Cleo Example", "pages": {"77": "ANALYST"}}
    assert (await http.post("/linkedin/control/people", json=person)).status_code == 201
    await http.put("/linkedin/control/app", json={"approves": "cleo"})
    back = answered(await http.get(AUTHORIZATION, params=asked()))
    tokens = await exchange(http, grant_type="authorization_code", code=back["code"], redirect_uri=REDIRECT)
    cleo = Application(http, tokens.json())
    userinfo: dict[str, Any] = (await cleo.get("/linkedin/api/v2/userinfo")).json()
    assert (userinfo["sub"], userinfo["name"], "email" in userinfo) == ("cleo", "Cleo Example", False)


async def test_a_member_has_a_picture(http: httpx.AsyncClient) -> None:
    ann = await consent(http)
    picture = (await ann.get("/linkedin/api/v2/userinfo")).json()["picture"]
    assert (await http.get(picture)).headers["content-type"] == "image/png"
    assert (await http.get(f"{picture}x")).status_code == 404


async def test_pages_of_a_member(http: httpx.AsyncClient) -> None:
    ann = await consent(http)
    acls = (await ann.get("/linkedin/api/rest/organizationAcls", q="roleAssignee")).json()["elements"]
    assert [(acl["organization"], acl["role"]) for acl in acls] == [("urn:li:organization:5000001", "ADMINISTRATOR")]
    page = (await ann.get("/linkedin/api/rest/organizations/5000001")).json()
    assert page["localizedName"] == "Example Bakery"
    assert (await ann.get("/linkedin/api/rest/organizations/6")).status_code == 404
    bob = await consent(http, "bob")
    assert (await bob.get("/linkedin/api/rest/organizationAcls", q="roleAssignee")).json()["elements"] == []
