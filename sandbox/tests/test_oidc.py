from typing import Any

import httpx
import orjson
import pytest
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from .person_at_a_provider import Application, back


def tenant(http: httpx.AsyncClient, name: str = "acme") -> Application:
    return Application(http, f"{str(http.base_url).rstrip('/')}/oidc/realms/{name}", "sandbox-client")


async def behave(http: httpx.AsyncClient, **app: Any) -> None:
    assert (await http.put("/oidc/control/acme/app", json=app)).status_code == 200


async def test_tenants_are_issuers_of_their_own(http: httpx.AsyncClient) -> None:
    acme, umbrella = tenant(http), tenant(http, "umbrella")
    assert (await acme.discovery())["issuer"] == acme.issuer
    token = (await acme.tokens("acme-ann"))["id_token"]
    assert (await acme.claims(token))["email"] == "ann@acme.test"
    with pytest.raises((JoseError, ValueError)):
        await umbrella.claims(token)
    assert (await umbrella.authorize(approve="acme-ann")).status_code == 200, (
        "acme's people are no people of umbrella"
    )
    assert (await http.get(f"{tenant(http, 'nobody').issuer}/.well-known/openid-configuration")).status_code == 404
    assert (await http.put("/oidc/control/new-one")).status_code == 201
    assert (await tenant(http, "new-one").discovery())["issuer"].endswith("/new-one")


async def test_a_client_authenticates_in_the_way_that_is_wanted(http: httpx.AsyncClient) -> None:
    acme = tenant(http)
    basic = httpx.BasicAuth("sandbox-client", "sandbox-secret")
    for way, works in (("client_secret_basic", basic), ("client_secret_post", None)):
        await behave(http, authenticates_by=way)
        assert (await acme.discovery())["token_endpoint_auth_methods_supported"] == [way]
        code = back(await acme.authorize(approve="acme-ann"))["code"]
        other = None if works else basic
        assert (await acme.exchange(other, code=code)).json()["error"] == "invalid_client"
        assert (await acme.exchange(works, code=code)).status_code == 200


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_it_signs_with_any_of_these(http: httpx.AsyncClient, algorithm: str) -> None:
    await behave(http, algorithm=algorithm)
    acme = tenant(http)
    assert (await acme.claims((await acme.tokens("acme-ann"))["id_token"], algorithm))["sub"] == "acme-ann"


async def test_it_can_leave_out_whether_an_address_is_verified_and_say_who_it_is(http: httpx.AsyncClient) -> None:
    await http.post("/oidc/control/acme/people", json={"sub": "x", "email": "x@acme.test", "email_verified": None})
    await behave(http, sends_iss=True)
    acme = tenant(http)
    assert back(await acme.authorize(approve="x"))["iss"] == acme.issuer
    assert "email_verified" not in await acme.claims((await acme.tokens("x"))["id_token"])


@pytest.mark.parametrize(
    ("fault", "claim", "value"),
    [
        ("wrong_audience", "aud", "another-client"),
        ("wrong_issuer", "iss", "https://another.example"),
        ("wrong_nonce", "nonce", "another-nonce"),
        ("no_nonce", "nonce", None),
        ("no_sub", "sub", None),
    ],
)
async def test_it_can_write_wrong_claims(http: httpx.AsyncClient, fault: str, claim: str, value: str | None) -> None:
    await behave(http, faults=[fault])
    acme = tenant(http)
    assert (await acme.claims((await acme.tokens("acme-ann"))["id_token"])).get(claim) == value


@pytest.mark.parametrize(
    "fault", ["alg_none", "hs256_public_key", "hs256_client_secret", "foreign_key", "unknown_kid"]
)
async def test_it_can_sign_wrongly(http: httpx.AsyncClient, fault: str) -> None:
    await behave(http, faults=[fault])
    acme = tenant(http)
    token = (await acme.tokens("acme-ann"))["id_token"]
    header = orjson.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
    assert header["alg"] == {"alg_none": "none"}.get(fault, "HS256" if fault.startswith("hs256") else "RS256")
    with pytest.raises((JoseError, ValueError)):
        await acme.claims(token)


async def test_a_name_has_the_texts_that_were_put_there(http: httpx.AsyncClient) -> None:
    asked = {"name": "_rostrum.Acme.test.", "type": "TXT"}
    assert (await http.get("/dns/resolve", params=asked)).json()["Status"] == 3
    await http.put("/dns/control/records", json={"name": "_rostrum.acme.test", "texts": ["a=b", 'say "x"']})
    answer = (await http.get("/dns/resolve", params=asked)).json()
    assert [each["data"] for each in answer["Answer"]] == ['"a=b"', '"say \\"x\\""']
    assert "Answer" not in (await http.get("/dns/resolve", params=asked | {"type": "A"})).json()
