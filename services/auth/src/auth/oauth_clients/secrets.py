"""What a confidential program shows of itself: 256 random bits, of which a keyed hash is kept."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from typing import Final

PREFIX: Final = "rcs_"


@dataclass(frozen=True, slots=True)
class ClientSecrets:
    """Draws secrets, and hashes what is shown."""

    key: bytes = field(repr=False)

    def draw(self) -> tuple[str, bytes]:
        """A new secret and its hash."""
        text = PREFIX + base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode("ascii")
        return text, self.hashed(text)

    def hashed(self, text: str) -> bytes:
        """What is kept of a secret."""
        return hmac.digest(self.key, text.encode(), hashlib.sha256)
