"""An authenticator in software, after WebAuthn level 3: it makes passkeys and answers challenges, rightly or not."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from .story import Person, Story

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
AAGUID = bytes(16)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Credential:
    """A passkey as its authenticator keeps it."""

    id: bytes
    key: EllipticCurvePrivateKey | Ed25519PrivateKey
    handle: bytes
    rp_id: str
    count: int = 0

    def cose(self) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: self.key.public_key().public_bytes_raw()})
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(data)
        return self.key.sign(data, ECDSA(SHA256()))


@dataclass
class Authenticator:
    """What makes passkeys and answers with them, in a browser that shows a page of `origin`."""

    algorithm: Literal["ES256", "EdDSA"] = "ES256"
    origin: str = "https://app.test"
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    cross_origin: bool = False
    credentials: list[Credential] = field(default_factory=list)

    def make(
        self, options: dict[str, Any], *, rp_id: str | None = None, challenge: str | None = None
    ) -> dict[str, Any]:
        """A new passkey, as `navigator.credentials.create()` gives it; `rp_id` and `challenge` for other ones."""
        assert not {each["id"] for each in options["excludeCredentials"]} & {encoded(c.id) for c in self.credentials}
        key = Ed25519PrivateKey.generate() if self.algorithm == "EdDSA" else generate_private_key(SECP256R1())
        made = Credential(secrets.token_bytes(32), key, decoded(options["user"]["id"]), options["rp"]["id"])
        self.credentials.append(made)
        attested = AAGUID + len(made.id).to_bytes(2) + made.id + made.cose()
        data = self._data(rp_id or made.rp_id, self.flags | ATTESTED, made.count) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encoded(self._client_data("webauthn.create", challenge or options["challenge"])),
            "attestationObject": encoded(attestation),
            "transports": ["internal", "hybrid", "telepathy"],
        }
        return self._credential(made, response) | {"clientExtensionResults": {"credProps": {"rk": True}}}

    def answer(
        self,
        options: dict[str, Any],
        *,
        credential: Credential | None = None,
        rp_id: str | None = None,
        challenge: str | None = None,
        kind: str = "webauthn.get",
    ) -> dict[str, Any]:
        """An assertion, as `navigator.credentials.get()` gives it."""
        allowed = {each["id"] for each in options.get("allowCredentials", [])}
        known = [each for each in self.credentials if not allowed or encoded(each.id) in allowed]
        shown = credential or known[0]
        shown.count += self.counts
        data = self._data(rp_id or options["rpId"], self.flags, shown.count)
        said = self._client_data(kind, challenge or options["challenge"])
        response = {
            "clientDataJSON": encoded(said),
            "authenticatorData": encoded(data),
            "signature": encoded(shown.sign(data + hashlib.sha256(said).digest())),
            "userHandle": encoded(shown.handle),
        }
        return self._credential(shown, response) | {"clientExtensionResults": {}}

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps(said).encode()

    def _data(self, rp_id: str, flags: int, count: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4)

    def _credential(self, shown: Credential, response: dict[str, Any]) -> dict[str, Any]:
        name = encoded(shown.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


async def options_of(person: Person, path: str) -> dict[str, Any]:
    answer = await person.call("POST", path)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["options"]
    return options


async def add_passkey(person: Person, authenticator: Authenticator, name: str = "Laptop") -> dict[str, Any]:
    """A passkey in use."""
    made = authenticator.make(await options_of(person, "/v1/me/factors/passkey-challenges"))
    body = {"name": name, "credential": made, "end_other_sessions": False}
    answer = await person.call("POST", "/v1/me/factors/passkeys", json=body)
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


async def ask(story: Story) -> dict[str, Any]:
    """What a browser needs to sign in."""
    answer = await story.http.post("/v1/sessions/passkey-challenges")
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["options"]
    return options
