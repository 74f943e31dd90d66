"""id_tokens as a provider writes them, and as a faulty or hostile one does."""

import hashlib
import time

from sandbox.json import Object
from sandbox.openid.grants import Access, Code
from sandbox.openid.keys import Keys, SigningKey, foreign_key, jws, segment
from sandbox.openid.world import Fault, Person, World

OLD = 3 * 3600


def profile(person: Person) -> Object:
    """What is told of a person; a claim that is null is left out."""
    told: Object = {
        "sub": person.sub,
        "email": person.email,
        "email_verified": person.email_verified if person.email else None,
        "name": person.name,
        "hd": person.hd,
    }
    return {name: value for name, value in (told | dict(person.claims)).items() if value is not None}


def written(world: World, keys: Keys, issuer: str, person: Person, code: Code, access: Access) -> str:  # noqa: PLR0917
    """The id_token that goes with an access token."""
    now, app = int(time.time()), world.app
    hashed = hashlib.sha512 if app.algorithm == "EdDSA" else hashlib.sha256
    digest = hashed(access.value.encode()).digest()
    claims: Object = {
        "iss": issuer,
        "azp": app.client_id,
        "aud": app.client_id,
        **profile(person),
        "at_hash": segment(digest[: len(digest) // 2]),
        "nonce": code.nonce,
        "iat": now,
        "exp": now + int(app.id_token_seconds),
    }
    _spoil(world, claims, now)
    signer = keys.signer(app.algorithm)
    header, key = _header(world, signer)
    return jws(header, {name: value for name, value in claims.items() if value is not None}, key)


def _spoil(world: World, claims: Object, now: int) -> None:
    wrong: dict[str, Object] = {
        "wrong_audience": {"aud": "another-client", "azp": "another-client"},
        "extra_audience": {"aud": [claims["aud"], "another-client"]},
        "wrong_azp": {"azp": "another-client"},
        "wrong_issuer": {"iss": "https://another.example"},
        "expired": {"iat": now - 600, "exp": now - 300},
        "issued_long_ago": {"iat": now - OLD},
        "issued_in_future": {"iat": now + OLD, "exp": now + 2 * OLD},
        "wrong_nonce": {"nonce": "another-nonce"},
        "no_nonce": {"nonce": None},
        "no_sub": {"sub": None},
        "wrong_at_hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    }
    for fault in world.app.faults:
        claims.update(wrong.get(fault, {}))


def _header(world: World, signer: SigningKey) -> tuple[Object, SigningKey | bytes | None]:
    header: Object = {"alg": signer.algorithm, "kid": signer.kid, "typ": "JWT"}
    foreign = foreign_key(signer.algorithm)  # made once
    spoiled: dict[Fault, tuple[Object, SigningKey | bytes | None]] = {
        "alg_none": ({"alg": "none", "typ": "JWT"}, None),
        "hs256_public_key": (header | {"alg": "HS256"}, signer.pem()),
        "hs256_client_secret": (header | {"alg": "HS256"}, world.app.client_secret.encode()),
        "key_in_header": (header | {"kid": foreign.kid, "jwk": foreign.jwk()}, foreign),
        "foreign_key": (header, foreign),
        "unknown_kid": (header | {"kid": "nobody-knows-this-key"}, signer),
        "no_kid": ({"alg": signer.algorithm, "typ": "JWT"}, signer),
    }
    return next((spoiled[fault] for fault in world.app.faults if fault in spoiled), (header, signer))
