"""When a form was shown, as a mark that only we can make: who fills in a form within moments is no person."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

FASTEST: Final = 3
"""Seconds that a person takes at least."""
LONGEST: Final = 24 * 3600
"""Seconds for which a stamp says anything."""
_NONCE, _PROOF = 8, 16

Shown = Literal["good", "missing", "forged", "too-fast", "too-old"]


@dataclass(frozen=True, slots=True)
class Stamps:
    """Makes and reads stamps of one channel."""

    secret: bytes = field(repr=False)
    key: str

    def make(self, now: datetime) -> str:
        """A stamp for a form that is shown now."""
        raw = int(now.timestamp()).to_bytes(8, "big") + secrets.token_bytes(_NONCE)
        return base64.urlsafe_b64encode(raw + self._proof(raw)).rstrip(b"=").decode()

    def read(self, stamp: str, now: datetime) -> tuple[Shown, str]:
        """What a stamp tells, and by what it is known apart from others; nothing where it is not ours."""
        if not stamp:
            return "missing", ""
        raw = _raw(stamp)
        said, proof = raw[:-_PROOF], raw[-_PROOF:]
        if len(raw) != 8 + _NONCE + _PROOF or not hmac.compare_digest(proof, self._proof(said)):
            return "forged", ""
        age, apart = now.timestamp() - int.from_bytes(said[:8], "big"), said[8:].hex()
        if age < FASTEST:
            return "too-fast", apart
        return ("too-old" if age > LONGEST else "good"), apart

    def _proof(self, said: bytes) -> bytes:
        return hmac.digest(self.secret, b"form stamp\0" + self.key.encode() + b"\0" + said, "sha256")[:_PROOF]


def _raw(stamp: str) -> bytes:
    try:
        text = stamp.encode("ascii")
        return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b""
