from typing import Any
from urllib.parse import parse_qs

import httpx

from .person_at_a_provider import CHALLENGE, GITHUB_CLIENT, REDIRECT, VERIFIER, back

AUTHORIZE, TOKEN = "/github/www/login/oauth/authorize", "/github/www/login/oauth/access_token"
SCOPE = "read:user user:email"
JSON = {"accept": "application/json"}


async def ask(http: httpx.AsyncClient, **asked: str) -> httpx.Response:
    query = {"client_id": GITHUB_CLIENT, "redirect_uri": REDIRECT, "scope": SCOPE, "state": "s"}
    return await http.get(AUTHORIZE, params=query | {"code_challenge": CHALLENGE} | asked)


async def exchange(http: httpx.AsyncClient, headers: dict[str, str] = JSON, **form: str) -> httpx.Response:
    sent = {"client_id": GITHUB_CLIENT, "client_secret": "sandbox-secret", "code_verifier": VERIFIER}
    return await http.post(TOKEN, data=sent | form, headers=headers)


async def token(http: httpx.AsyncClient, **asked: str) -> str:
    answer = await exchange(http, code=back(await ask(http, **{"approve": "1001", **asked}))["code"])
    return str(answer.json()["access_token"])


async def test_a_person_consents_or_cancels(http: httpx.AsyncClient) -> None:
    assert "Authorize as ann-example" in (await ask(http)).text
    assert set(back(await ask(http, approve="1001"))) == {"code", "state"}
    assert back(await ask(http, deny="1"))["error"] == "access_denied"
    assert (await ask(http, client_id="x")).status_code == 404


async def test_the_answer_has_the_form_that_was_asked_for_and_is_form_encoded_by_itself(
    http: httpx.AsyncClient,
) -> None:
    first = back(await ask(http, approve="1001"))["code"]
    said = (await exchange(http, code=first)).json()
    assert (said["token_type"], said["scope"]) == ("bearer", "read:user,user:email")
    second = back(await ask(http, approve="1001"))["code"]
    plain = await exchange(http, {}, code=second)
    assert plain.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert parse_qs(plain.text)["access_token"][0].startswith("gho_")


async def test_errors_of_the_token_endpoint_come_with_status_200(http: httpx.AsyncClient) -> None:
    code = back(await ask(http, approve="1001"))["code"]
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"code": code, "client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"code": "wrong"}, "bad_verification_code"),
        ({"code": code, "redirect_uri": "http://127.0.0.1:9/other"}, "redirect_uri_mismatch"),
        ({"code": code}, "bad_verification_code"),
        (
            {"code": back(await ask(http, approve="1001"))["code"], "code_verifier": "wrong"},
            "bad_verification_code",
        ),
    )
    for form, error in wrong:
        answer = await exchange(http, **form)
        assert (answer.status_code, answer.json()["error"]) == (200, error), form
        assert answer.json()["error_uri"]
    assert (await exchange(http, client_id="x")).status_code == 404


async def test_the_address_is_found_at_user_emails_and_only_with_the_scope(http: httpx.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {await token(http)}"}
    me = (await http.get("/github/api/user", headers=headers)).json()
    assert (me["id"], me["login"], me["email"]) == (1001, "ann-example", None)
    emails = (await http.get("/github/api/user/emails", headers=headers)).json()
    assert [each["email"] for each in emails if each["primary"] and each["verified"]] == ["ann@example.org"]
    await http.put("/github/control/app", json={"grants": ["read:user"]})
    narrow = {"authorization": f"token {await token(http)}"}
    assert (await http.get("/github/api/user", headers=narrow)).headers["x-oauth-scopes"] == "read:user"
    assert (await http.get("/github/api/user/emails", headers=narrow)).status_code == 404
    assert (await http.get("/github/api/user", headers={"authorization": "Bearer x"})).json()["message"] == (
        "Bad credentials"
    )
