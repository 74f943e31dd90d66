"""Whose deliveries are believed, as a table: of every provider what it signs, and what somebody else might."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .house import SECRET, TELNYX_KEY, House

META: Final[Mapping[str, str]] = {
    "whatsapp": "whatsapp_business_account",
    "messenger": "page",
    "instagram": "instagram",
}
SIGNED: Final = "x-hub-signature-256"
NAME, AT = "telnyx-signature-ed25519", "telnyx-timestamp"
STRANGER: Final = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a stranger").digest())

Headers = dict[str, str]


def digest(body: bytes, secret: str = SECRET, method: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, method).hexdigest()


def changed(body: bytes) -> bytes:
    """The body with one byte, of a value, altered; it is JSON as before."""
    assert body.count(b"2023") == 1
    return body.replace(b"2023", b"2024")


BY_META: Final[Mapping[str, tuple[Callable[[bytes], Headers], int]]] = {
    "right": (lambda body: {SIGNED: f"sha256={digest(body)}"}, 200),
    "uppercase hex": (lambda body: {SIGNED: f"sha256={digest(body).upper()}"}, 200),
    "forged": (lambda _: {SIGNED: f"sha256={'0123456789abcdef' * 4}"}, 403),
    "another secret": (lambda body: {SIGNED: f"sha256={digest(body, 'another')}"}, 403),
    "no secret": (lambda body: {SIGNED: f"sha256={digest(body, '')}"}, 403),
    "one byte changed": (lambda body: {SIGNED: f"sha256={digest(changed(body))}"}, 403),
    "one byte more": (lambda body: {SIGNED: f"sha256={digest(body + b' ')}"}, 403),
    "of nothing": (lambda _: {SIGNED: f"sha256={digest(b'')}"}, 403),
    "missing": (lambda _: {}, 403),
    "empty": (lambda _: {SIGNED: ""}, 403),
    "prefix alone": (lambda _: {SIGNED: "sha256="}, 403),
    "prefix missing": (lambda body: {SIGNED: digest(body)}, 403),
    "prefix in capitals": (lambda body: {SIGNED: f"SHA256={digest(body)}"}, 403),
    "prefix of another kind": (lambda body: {SIGNED: f"sha1={digest(body)}"}, 403),
    "older scheme alone": (lambda body: {"x-hub-signature": f"sha1={digest(body, method='sha1')}"}, 403),
    "cut": (lambda body: {SIGNED: f"sha256={digest(body)[:-1]}"}, 403),
    "longer": (lambda body: {SIGNED: f"sha256={digest(body)}0"}, 403),
    "no hex": (lambda _: {SIGNED: f"sha256={'g' * 64}"}, 403),
    "blank within": (lambda body: {SIGNED: f"sha256= {digest(body)}"}, 403),
    "two at once": (lambda body: {SIGNED: f"sha256={digest(body)},sha256={digest(body)}"}, 403),
    "base64": (
        lambda body: {SIGNED: "sha256=" + base64.b64encode(bytes.fromhex(digest(body))).decode()},
        403,
    ),
}
"""HMAC-SHA256 of the raw bytes under the app's secret, as Meta's "Validating payloads" has it; it bears no time."""


@dataclass(frozen=True, slots=True)
class Telnyx:
    """A delivery as Telnyx signs it, at a time."""

    body: bytes
    now: int

    def signed(self, late: int = 0, body: bytes | None = None, key: Ed25519PrivateKey = TELNYX_KEY) -> Headers:
        at = str(self.now - late)
        made = key.sign(at.encode() + b"|" + (self.body if body is None else body))
        return {AT: at, NAME: base64.b64encode(made).decode()}

    def but(self, **more: str) -> Headers:
        names = {"at": AT, "signature": NAME}
        return self.signed() | {names[name]: value for name, value in more.items()}

    def without(self, name: str) -> Headers:
        return {each: value for each, value in self.signed().items() if each != name}

    @property
    def raw(self) -> bytes:
        return base64.b64decode(self.signed()[NAME])


BY_TELNYX: Final[Mapping[str, tuple[Callable[[Telnyx], Headers], int]]] = {
    "right": (lambda told: told.signed(), 200),
    "minutes old": (lambda told: told.signed(late=200), 200),
    "clock ahead": (lambda told: told.signed(late=-270), 200),
    "stale": (lambda told: told.signed(late=301), 403),
    "long ago": (lambda told: told.signed(late=86_400), 403),
    "future": (lambda told: told.signed(late=-400), 403),
    "forged": (lambda told: told.but(signature=base64.b64encode(b"\x01" * 64).decode()), 403),
    "another key": (lambda told: told.signed(key=STRANGER), 403),
    "one byte changed": (lambda told: told.signed(body=changed(told.body)), 403),
    "one byte more": (lambda told: told.signed(body=told.body + b" "), 403),
    "without its time": (
        lambda told: told.but(signature=base64.b64encode(TELNYX_KEY.sign(told.body)).decode()),
        403,
    ),
    "another time": (lambda told: told.but(at=str(told.now - 1)), 403),
    "time missing": (lambda told: told.without(AT), 403),
    "signature missing": (lambda told: told.without(NAME), 403),
    "both missing": (lambda _: {}, 403),
    "time is no number": (lambda told: told.but(at="soon"), 403),
    "time with a sign": (lambda told: told.but(at=f"+{told.now}"), 403),
    "time in milliseconds": (lambda told: told.but(at=f"{told.now}000"), 403),
    "time in other digits": (lambda told: told.but(at="\u0661" * 10), 403),
    "cut": (lambda told: told.but(signature=base64.b64encode(told.raw[:-1]).decode()), 403),
    "longer": (lambda told: told.but(signature=base64.b64encode(told.raw + b"\0").decode()), 403),
    "empty": (lambda told: told.but(signature=""), 403),
    "not base64": (lambda told: told.but(signature="not base64!"), 403),
    "lowercase hex": (lambda told: told.but(signature=told.raw.hex()), 403),
    "uppercase hex": (lambda told: told.but(signature=told.raw.hex().upper()), 403),
    "with a prefix": (lambda told: told.but(signature="ed25519=" + told.signed()[NAME]), 403),
}
"""Ed25519 of `time|body` in base64, five minutes old at most, as Telnyx's "Webhook signing" has it."""


def described(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def delivered(house: House, path: str, body: bytes, headers: Headers, status: int) -> None:
    """What is not believed gets one answer, whatever is wrong with it, and leaves nothing."""
    answer = await house.client.post(path, content=body, headers=described(headers))
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["type"] == "urn:rostrum:problem:signature-refused"
    assert await house.count("SELECT count(*) FROM intake_deliveries") == (status == 200)


@pytest.mark.parametrize("case", BY_META)
@pytest.mark.parametrize("kind", META)
async def test_meta_is_believed_by_the_secret_of_the_app(house: House, kind: str, case: str) -> None:
    headers, status = BY_META[case]
    body = orjson.dumps({"object": META[kind], "entry": [{"id": "5", "changes": [], "note": "2023"}]})
    await delivered(house, f"/v1/webhooks/{kind}", body, headers(body), status)


@pytest.mark.parametrize("case", BY_TELNYX)
async def test_telnyx_is_believed_by_its_key_for_five_minutes(house: House, case: str) -> None:
    headers, status = BY_TELNYX[case]
    body = orjson.dumps({"data": {"event_type": "message.received", "id": "2023", "payload": {"id": "1"}}})
    await delivered(house, "/v1/webhooks/sms", body, headers(Telnyx(body, house.now())), status)
