"""What a page must state beside its cookies, so that other pages cannot act with them.

The CSRF token is a keyed hash of the session's id: stored nowhere, the same as long as the session lasts, so that all
tabs share it and a reloaded page is given it again. The access token in the cookie carries its hash, by which the
gateway knows it without asking anybody; who reads an access token does not learn the CSRF token.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from uuid import UUID

from kit.http.tokens import csrf_hash


@dataclass(frozen=True, slots=True)
class CsrfTokens:
    """Makes them."""

    key: bytes = field(repr=False)

    def of(self, session_id: UUID) -> str:
        """The token of a session."""
        made = hmac.digest(self.key, b"csrf\0" + session_id.bytes, hashlib.sha256)
        return base64.urlsafe_b64encode(made[:24]).decode("ascii")

    def claim(self, session_id: UUID) -> str:
        """What the session's access tokens say of it."""
        return csrf_hash(self.of(session_id).encode("ascii"))
