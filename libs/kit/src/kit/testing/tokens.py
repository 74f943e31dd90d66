"""Real access tokens, signed with a key that only the test has."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kit.ids import new_id

ISSUER = "https://issuer.test"
AUDIENCE = "api.test"


def _segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class Issuer:
    """Signs tokens and publishes its key, as auth does."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()

    async def jwks(self) -> object:
        """The key set as auth's /.well-known/jwks.json has it."""
        x = _segment(self.key.public_key().public_bytes_raw())
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "one", "x": x}]}

    def token(self, now: datetime, organization_id: UUID | None, role: str = "owner", **changed: Any) -> str:
        """A token for a new user with a new session; `changed` replaces claims, good or bad."""
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(new_id()),
            "sid": str(new_id()),
            "epoch": 0,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=10)).timestamp()),
            "jti": str(new_id()),
        }
        if organization_id is not None:
            claims |= {"org": str(organization_id), "role": role}
        header = {"alg": "EdDSA", "typ": "at+jwt", "kid": "one"}
        signed = ".".join(_segment(json.dumps(part).encode()) for part in (header, claims | changed))
        return f"{signed}.{_segment(self.key.sign(signed.encode()))}"
