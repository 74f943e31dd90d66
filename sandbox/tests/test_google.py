from typing import Any

import httpx
import pytest
from joserfc.errors import JoseError

from .person_at_a_provider import GOOGLE_CLIENT, REDIRECT, Application, back

ANN, BOB, EVE = "100000000000000000001", "100000000000000000002", "100000000000000000003"
CONTROL = "/google/control"


@pytest.fixture
def google(http: httpx.AsyncClient) -> Application:
    return Application(http, f"{str(http.base_url).rstrip('/')}/google/accounts", GOOGLE_CLIENT)


async def test_the_discovery_document_names_the_same_issuer_and_only_rs256(google: Application) -> None:
    found = await google.discovery()
    assert found["issuer"] == google.issuer
    assert found["id_token_signing_alg_values_supported"] == ["RS256"]


async def test_a_person_sees_who_there_is_and_may_cancel(google: Application) -> None:
    page = await google.authorize(state="<script>")
    assert page.status_code == 200
    assert "Continue as Ann Example" in page.text
    assert "<script>" not in page.text
    assert back(await google.authorize(deny="1"))["error"] == "access_denied"


async def test_a_code_with_its_verifier_gives_an_id_token_that_its_keys_verify(google: Application) -> None:
    tokens = await google.tokens(BOB)
    claims = await google.claims(tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["azp"]) == (google.issuer, GOOGLE_CLIENT, GOOGLE_CLIENT)
    assert (claims["sub"], claims["email"], claims["email_verified"]) == (BOB, "bob@example.org", True)
    assert (claims["hd"], claims["nonce"]) == ("example.org", "n-1")
    told = await google.http.get(
        (await google.discovery())["userinfo_endpoint"], headers={"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert told.json()["sub"] == BOB
    assert (await google.claims((await google.tokens(EVE))["id_token"]))["email_verified"] is False


async def test_a_code_is_good_once_and_errors_are_googles(google: Application) -> None:
    code = back(await google.authorize(approve=ANN))["code"]
    assert (await google.exchange(code=code)).status_code == 200
    wrong: tuple[tuple[dict[str, Any], int, str], ...] = (
        ({"code": code}, 400, "invalid_grant"),
        ({"code": code, "client_secret": "wrong"}, 401, "invalid_client"),
        ({"code": code, "client_id": "wrong"}, 401, "invalid_client"),
        ({"code": code, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code": back(await google.authorize(approve=ANN))["code"], "code_verifier": "w"}, 400, "invalid_grant"),
        ({"code": back(await google.authorize(approve=ANN))["code"], "code_verifier": ""}, 400, "invalid_grant"),
        (
            {"code": back(await google.authorize(approve=ANN))["code"], "redirect_uri": f"{REDIRECT}/x"},
            400,
            "redirect_uri_mismatch",
        ),
    )
    for form, status, error in wrong:
        answer = await google.exchange(**form)
        assert (answer.status_code, answer.json()["error"]) == (status, error), form


async def test_who_cannot_be_trusted_is_not_redirected(google: Application) -> None:
    for wrong in ({"client_id": "another"}, {"redirect_uri": "https://example.org/callback"}):
        answer = await google.authorize(approve=ANN, **wrong)
        assert answer.status_code in {400, 401}
        assert "location" not in answer.headers


async def test_keys_rotate_with_the_older_shown_or_not(google: Application) -> None:
    before = (await google.tokens(ANN))["id_token"]
    kid = (await google.http.post(f"{CONTROL}/keys/rotate")).json()["kid"]
    assert (await google.claims(before))["sub"] == ANN
    keys = (await google.http.get((await google.discovery())["jwks_uri"])).json()["keys"]
    assert [each["kid"] for each in keys][-1] == kid
    await google.http.post(f"{CONTROL}/keys/rotate", params={"drops_older": True})
    with pytest.raises((JoseError, ValueError)):
        await google.claims(before)


async def test_an_account_can_be_made_and_signs_in_at_once(google: Application) -> None:
    person = {"sub": "77", "email": "cleo@cleo.test", "email_verified": False, "name": "Cleo"}
    assert (await google.http.post(f"{CONTROL}/people", json=person)).status_code == 201
    await google.http.put(f"{CONTROL}/app", json={"client_id": GOOGLE_CLIENT, "approves": "77"})
    assert "code" in back(await google.authorize())
