"""What providers say that no sandbox says, taken apart without a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from auth.openid.discovery import NotAProvider, read
from auth.openid.errors import ProviderRefused, ProviderUnreachable
from auth.openid.github import GitHubProvider
from auth.openid.id_tokens import Expected, objection
from auth.openid.key_sets import KeySets
from auth.openid.model import Assertion, Returned
from auth.openid.provider import OpenId, OpenIdProvider
from auth.openid.web import Web, basic
from kit.clock import SystemClock
from kit.http.client import Outbound
from kit.http.guard import Rules
from kit.http.transport import Answer, Outgoing

ISSUER = "https://id.acme.test"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/certs",
    "response_types_supported": ["code"],
    "id_token_signing_alg_values_supported": ["RS256"],
}


@dataclass
class Canned:
    """Answers what it was told to, by the end of the path."""

    answers: Mapping[str, Any]
    asked: list[Outgoing] = field(default_factory=list)

    async def exchange(self, request: Outgoing, *, within: float, at_most: int) -> Answer:
        assert within > 0
        assert at_most > 0
        self.asked.append(request)
        said = next(each for end, each in self.answers.items() if request.url.endswith(end))
        if isinstance(said, Answer):
            return said
        return Answer(200, {}, said if isinstance(said, bytes) else orjson.dumps(said))

    async def warm(self) -> None: ...

    async def close(self) -> None: ...


def web(answers: Mapping[str, Any] | None = None, **more: Any) -> tuple[Web, Canned]:
    canned = Canned(answers or {})
    return Web(Outbound(transport=canned, pause=0.0), **more), canned


def returned(**changed: Any) -> Returned:
    given = {"code": "c", "iss": "", "verifier": "v", "nonce": "n", "redirect_uri": "https://x.test/back"}
    return Returned(**(given | changed), age=timedelta(seconds=5))


GITHUB: dict[str, Any] = {
    "/access_token": {"access_token": "gho_x", "token_type": "bearer", "scope": "read:user,user:email"},
    "/user": {"id": 7},
    "/emails": [{"email": "ada@ada.test", "primary": True, "verified": True}],
}


def github(**changed: Any) -> GitHubProvider:
    place, _ = web({name: changed.get(name.strip("/"), said) for name, said in GITHUB.items()})
    return GitHubProvider(
        place, "https://github.test", "https://api.github.test", "https://github.test", "id", "secret"
    )


async def test_github_says_who_somebody_is() -> None:
    assert await github().identify(returned()) == Assertion("7", "ada@ada.test", verified=True)


@pytest.mark.parametrize("user", [{}, {"id": None}, {"id": True}, {"id": "7"}, {"id": 0}, {"id": -7}, {"id": 7.5}])
async def test_a_user_of_github_without_a_numeric_id_is_nobody(user: dict[str, Any]) -> None:
    with pytest.raises(ProviderRefused):
        await github(user=user).identify(returned())


@pytest.mark.parametrize(
    "emails",
    [
        {},
        [],
        ["ada@ada.test"],
        [{"email": "ada@ada.test", "primary": "true", "verified": True}],
        [{"email": "ada@ada.test", "primary": True, "verified": 1}],
        [{"email": None, "primary": True, "verified": True}],
    ],
)
async def test_addresses_of_another_form_do_not_count(emails: object) -> None:
    assert await github(emails=emails).identify(returned()) == Assertion("7", None, None)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ({"error": "bad_verification_code"}, ProviderRefused),
        ({"error": {"a": 1}}, ProviderRefused),
        ({"access_token": "x", "token_type": "mac"}, ProviderRefused),
        ({"access_token": 7, "token_type": "bearer"}, ProviderRefused),
        ({}, ProviderRefused),
        ([], ProviderRefused),
        (b"access_token=gho_x&token_type=bearer", ProviderRefused),
        (Answer(302, {"location": "https://evil.test"}, b"{}"), ProviderRefused),
        (Answer(429, {}, b"{}"), ProviderUnreachable),
        (Answer(500, {}, b"{}"), ProviderUnreachable),
    ],
)
async def test_what_is_no_token_is_none(token: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        await github(access_token=token).identify(returned())


async def test_what_a_stranger_writes_as_an_error_is_not_repeated() -> None:
    with pytest.raises(ProviderRefused) as refused:
        await github(access_token={"error": "<script>"}).identify(returned())
    assert refused.value.reason == "code-refused"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": f"{ISSUER}/"},
        {"issuer": None},
        {"authorization_endpoint": "http://id.acme.test/auth"},
        {"token_endpoint": None},
        {"token_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "http://169.254.169.254/latest"},
        {"jwks_uri": f"{ISSUER}/certs#x"},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"id_token_signing_alg_values_supported": "RS256"},
        {"response_types_supported": ["id_token"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    ],
)
def test_a_document_that_cannot_be_used_is_refused(changed: dict[str, Any]) -> None:
    place, _ = web(guarded=True)
    with pytest.raises(NotAProvider):
        read(DOCUMENT | changed, ISSUER, place)


def test_a_document_that_can_be_used() -> None:
    place, _ = web(guarded=True)
    found = read(DOCUMENT | {"token_endpoint_auth_methods_supported": ["client_secret_post"]}, ISSUER, place)
    assert (found.authentication, found.algorithms, found.sends_iss) == ("client_secret_post", ("RS256",), False)
    assert read(DOCUMENT, ISSUER, place).authentication == "client_secret_basic"


@pytest.mark.parametrize(
    "url",
    [
        "http://id.acme.test",
        "https://",
        "https://user@id.acme.test",
        "https://id.acme.test#f",
        "https://id.acme.test/\r\n",
        "https://id acme.test",
        "ftp://id.acme.test",
        "//id.acme.test",
        "https://[bad",
        "https://id.acme.test/" + "a" * 3000,
    ],
)
def test_a_customers_provider_is_at_an_ordinary_https_address(url: str) -> None:
    place, _ = web(guarded=True)
    assert not place.is_allowed(url)


@pytest.mark.parametrize(
    "issuer",
    ["https://127.0.0.1", "https://169.254.169.254", "https://localhost", "https://10.0.0.1", "https://[::1]"],
)
async def test_a_customers_provider_is_not_within_our_own_network(issuer: str) -> None:
    canned = Canned({})
    place = Web(Outbound(transport=canned, rules=Rules()), guarded=True)
    with pytest.raises(ProviderUnreachable):
        await OpenId.on(place, SystemClock()).discovery.of(issuer)
    assert canned.asked == []


def test_client_id_and_secret_are_encoded_before_they_are_joined() -> None:
    assert basic("a:b", "c d%") == "Basic YSUzQWI6YytkJTI1"


@pytest.mark.parametrize(
    "keys",
    [
        [],
        "x",
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}],
        [{"kty": "RSA", "kid": "k"}],
        [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k"}],
        [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k", "use": "enc"}],
        [{"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB", "kid": "k"}],
    ],
)
async def test_keys_that_cannot_verify_are_none(keys: object) -> None:
    place, _ = web({"/certs": {"keys": keys}})
    assert await KeySets(place).find(f"{ISSUER}/certs", "RS256", "k") is None


NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "id",
    "sub": "s",
    "nonce": "n",
    "iat": NOW.timestamp(),
    "exp": NOW.timestamp() + 300,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ""),
        ({"aud": ["id"]}, ""),
        ({"azp": "id"}, ""),
        ({"iat": NOW.timestamp() + 59}, ""),
        ({"iss": f"{ISSUER}/"}, "issuer"),
        ({"iss": [ISSUER]}, "issuer"),
        ({"aud": None}, "audience"),
        ({"aud": ["id", "other"]}, "audience"),
        ({"aud": {"id": 1}}, "audience"),
        ({"azp": None}, "audience"),
        ({"exp": NOW.timestamp() - 61}, "expired"),
        ({"exp": "9999999999"}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": float("nan")}, "expired"),
        ({"iat": None}, "expired"),
        ({"iat": NOW.timestamp() + 61}, "expired"),
        ({"iat": NOW.timestamp() - 66}, "expired"),
        ({"nbf": NOW.timestamp() + 61}, "expired"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["n"]}, "nonce"),
        ({"nonce": "ñ"}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "s" * 256}, "subject"),
        ({"sub": "a\u0000b"}, "subject"),
        ({"at_hash": "x"}, "access-token"),
        ({"at_hash": None}, "access-token"),
    ],
)
def test_every_claim_is_checked(changed: dict[str, Any], wrong: str) -> None:
    expected = Expected((ISSUER,), "id", "n", "token", NOW, timedelta(seconds=5))
    assert objection(CLAIMS | changed, "RS256", expected) == wrong


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.b.c.d.e", "é.b.c", "x" * 20_000, "e30.e30.e30"])
async def test_what_is_no_token_is_refused(token: str) -> None:
    place, _ = web({"configuration": DOCUMENT, "/token": {"id_token": token, "access_token": "t"}})
    provider = OpenIdProvider(OpenId.on(place, SystemClock()), ISSUER, ISSUER, "id", "secret")
    with pytest.raises(ProviderRefused):
        await provider.identify(returned())
