"""Tokens of others: vectors of Wycheproof and of the RFCs, and every way to confuse algorithm, key and type."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kit.clock import ManualClock
from kit.http.caller import TokenRefused, TokenVerifier
from kit.http.tokens import key_id, public_keys

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
ISSUER, AUDIENCE = "https://issuer.test", "api"
VECTORS: Final = json.loads((Path(__file__).parents[1] / "data/wycheproof_tokens.json").read_text(encoding="utf-8"))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk_of(key: Ed25519PrivateKey, **more: str) -> dict[str, str]:
    x = b64(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "kid": "ours", "use": "sig", "alg": "EdDSA", "x": x} | more


def verifier_of(*keys: dict[str, Any]) -> TokenVerifier:
    async def jwks() -> object:
        return {"keys": list(keys)}

    return TokenVerifier(jwks, ISSUER, AUDIENCE, ManualClock(START))


def signing_input(header: dict[str, Any], **changed: Any) -> str:
    now = int(START.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "epoch": 0,
        "iat": now,
        "exp": now + 600,
        "jti": "one",
    } | changed
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


def ours(header: dict[str, Any] | None = None, key: Ed25519PrivateKey | None = None, **changed: Any) -> str:
    signed = signing_input({"alg": "EdDSA", "typ": "at+jwt", "kid": "ours"} | (header or {}), **changed)
    return f"{signed}.{b64((key or KEY).sign(signed.encode()))}"


KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RSA: Final = rsa.generate_private_key(65537, 2048)
EC: Final = ec.generate_private_key(ec.SECP256R1())


async def is_good(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except TokenRefused:
        return False
    return True


async def test_the_token_that_all_others_are_compared_with_is_good() -> None:
    assert await is_good(verifier_of(jwk_of(KEY)), ours())


@pytest.mark.parametrize("group", VECTORS["jws"], ids=lambda group: str(group["comment"]))
async def test_no_token_of_another_algorithm_is_taken_not_even_a_valid_one(group: dict[str, Any]) -> None:
    """With exactly the keys that the vector has: they are not of our kind, and what they signed is no token."""
    assert public_keys({"keys": group["keys"]}) == {}
    verifier = verifier_of(*group["keys"], jwk_of(KEY))
    for test in group["tests"]:
        assert not await is_good(verifier, test["jws"]), test


@pytest.mark.parametrize("group", VECTORS["ed25519"], ids=lambda group: str(group["tests"][0]["tcId"]))
def test_a_key_of_the_key_set_verifies_what_it_signed_and_nothing_else(group: dict[str, Any]) -> None:
    key = public_keys({"keys": [group["jwk"]]})[group["jwk"]["kid"]]
    for test in group["tests"]:
        try:
            key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
        except InvalidSignature:
            assert test["result"] == "invalid", test
        else:
            assert test["result"] == "valid", test


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["raw", "x", "pem", "der", "jwk"])
async def test_our_public_key_is_nobodys_secret(algorithm: str, form: str) -> None:
    """The classic: the verifier's public key taken as the secret of an HMAC."""
    public = KEY.public_key()
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "raw": public.public_bytes_raw(),
        "x": jwk_of(KEY)["x"].encode(),
        "pem": public.public_bytes(serialization.Encoding.PEM, info),
        "der": public.public_bytes(serialization.Encoding.DER, info),
        "jwk": json.dumps(jwk_of(KEY)).encode(),
    }[form]
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    signed = signing_input({"alg": algorithm, "typ": "at+jwt", "kid": "ours"})
    assert not await is_good(
        verifier_of(jwk_of(KEY)), f"{signed}.{b64(hmac.digest(secret, signed.encode(), digest))}"
    )


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "EDDSA", "eddsa", "Ed25519", "ES256", "RS256"]
)
@pytest.mark.parametrize("signed", [True, False])
async def test_only_the_one_name_of_the_one_algorithm_is_taken(algorithm: str, signed: bool) -> None:
    token = ours({"alg": algorithm})
    if not signed:
        token = token.rpartition(".")[0] + "."
    assert not await is_good(verifier_of(jwk_of(KEY)), token)


@pytest.mark.parametrize("kind", ["RS256", "PS256", "ES256"])
async def test_another_key_under_our_key_id_signs_nothing(kind: str) -> None:
    signed = signing_input({"alg": kind, "typ": "at+jwt", "kid": "ours"})
    if kind == "ES256":
        signature = EC.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    elif kind == "PS256":
        signature = RSA.sign(signed.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    else:
        signature = RSA.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert not await is_good(verifier_of(jwk_of(KEY)), f"{signed}.{b64(signature)}")


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": jwk_of(Ed25519PrivateKey.from_private_bytes(bytes(32)))},
        {"jku": "https://evil.test/jwks.json"},
        {"x5u": "https://evil.test/chain.pem"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
    ],
    ids=str,
)
async def test_a_token_cannot_bring_its_own_key_or_rules(header: dict[str, Any]) -> None:
    stranger = Ed25519PrivateKey.generate()
    verifier = verifier_of(jwk_of(KEY))
    assert not await is_good(verifier, ours(header))
    assert not await is_good(verifier, ours(header, key=stranger))


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "id_token+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "at+jwt ", "", None]
)
async def test_a_token_of_another_type_is_none(typ: str | None) -> None:
    """An ID token that the same key has signed for the same audience opens nothing (RFC 8725, section 3.11)."""
    assert not await is_good(verifier_of(jwk_of(KEY)), ours({"typ": typ}))


@pytest.mark.parametrize(
    "key",
    [
        jwk_of(KEY, use="enc"),
        jwk_of(KEY, alg="HS256"),
        jwk_of(KEY, crv="X25519"),
        jwk_of(KEY, crv="Ed448"),
        jwk_of(KEY, kty="oct"),
        jwk_of(KEY, x=""),
        jwk_of(KEY, x=b64(b"\x00" * 31)),
        jwk_of(KEY, x=b64(b"\x00" * 33)),
        jwk_of(KEY, x=jwk_of(KEY)["x"] + "=="),
        {name: value for name, value in jwk_of(KEY).items() if name != "kid"},
    ],
    ids=str,
)
async def test_a_key_for_another_use_or_of_another_form_is_passed_over(key: dict[str, str]) -> None:
    assert public_keys({"keys": [key]}) == {}
    assert not await is_good(verifier_of(key), ours())


RFC_7519_3_1: Final = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
RFC_7519_6_1: Final = (
    "eyJhbGciOiJub25lIn0."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
)
RFC_8037_A: Final = {
    "key": {"kty": "OKP", "crv": "Ed25519", "kid": "rfc", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    "jws": "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
}


@pytest.mark.parametrize("token", [RFC_7519_3_1, RFC_7519_6_1], ids=["3.1", "6.1"])
async def test_the_examples_of_rfc_7519_are_tokens_of_others(token: str) -> None:
    """The first has a right signature by a shared secret, the second needs none."""
    secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    with pytest.raises(TokenRefused):
        key_id(token)
    verifier = verifier_of({"kty": "oct", "k": secret, "kid": "rfc", "alg": "HS256"}, jwk_of(KEY))
    assert not await is_good(verifier, token)


async def test_the_example_of_rfc_8037_verifies_and_is_no_access_token() -> None:
    key = public_keys({"keys": [RFC_8037_A["key"]]})["rfc"]
    signed, _, signature = str(RFC_8037_A["jws"]).rpartition(".")
    key.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode())
    assert not await is_good(verifier_of(dict(RFC_8037_A["key"])), str(RFC_8037_A["jws"]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda token: token + ".",
        lambda token: token + "." + token,
        lambda token: "." + token,
        lambda token: token.replace(".", "..", 1),
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.swapcase(),
        lambda token: json.dumps({"payload": token.split(".")[1], "signatures": []}),
        lambda token: f"{token.split('.')[0]}.{token.split('.')[1]}.{'A' * 86}",
        lambda token: f"{token.split('.')[0]}..{token.split('.')[2]}",
    ],
)
async def test_a_token_in_any_other_spelling_is_refused(spoilt: Any) -> None:
    assert not await is_good(verifier_of(jwk_of(KEY)), spoilt(ours()))


async def test_claims_that_stand_twice_are_read_once_and_only_as_they_were_signed() -> None:
    """The signature covers the bytes; whichever of two values a reader takes, nobody could have put it there."""
    header, _, signature = ours().split(".")
    other = b64(b'{"aud":"api","aud":"other"}')
    assert not await is_good(verifier_of(jwk_of(KEY)), f"{header}.{other}.{signature}")
