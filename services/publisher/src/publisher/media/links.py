"""Addresses from which platforms fetch media: whoever has one may read that one file until the address ends.

The address names organization, file and end, and a keyed hash proves that we made it. It does not change for as long
as a platform may come back to it, and leads nowhere once the file was deleted.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from kit.seal import Keyring
from publisher.media.errors import LinkEnded

PATH: Final = "/v1/media-files"
GOOD_FOR: Final = timedelta(days=2)
_STEP: Final = 86_400
_HEAD: Final = 36
_MARK: Final = 32
ENDINGS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "application/pdf": "pdf",
}


@dataclass(frozen=True, slots=True)
class Named:
    """What an address leads to."""

    organization_id: UUID
    file_id: UUID


@dataclass(frozen=True, slots=True)
class Links:
    """Makes addresses and reads them again."""

    public_url: str
    key: bytes

    def __repr__(self) -> str:
        return f"Links({self.public_url})"

    def address(self, organization_id: UUID, file_id: UUID, mime: str, now: datetime) -> str:
        """Where a file can be fetched; for one to two days, and the same for everybody who asks on the same day."""
        ends = (int((now + GOOD_FOR).timestamp()) // _STEP) * _STEP
        head = organization_id.bytes + file_id.bytes + ends.to_bytes(4, "big")
        token = base64.urlsafe_b64encode(head + self._mark(head)).rstrip(b"=").decode()
        return f"{self.public_url}{PATH}/{token}/file.{ENDINGS.get(mime, 'bin')}"

    def read(self, token: str, now: datetime) -> Named:
        """What an address leads to.

        Raises:
            LinkEnded: it is not one of ours, or has ended.
        """
        try:
            told = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise LinkEnded from error
        head, mark = told[:_HEAD], told[_HEAD:]
        if not hmac.compare_digest(mark, self._mark(head)) or len(head) != _HEAD:
            raise LinkEnded
        if datetime.fromtimestamp(int.from_bytes(head[32:], "big"), UTC) <= now:
            raise LinkEnded
        return Named(UUID(bytes=head[:16]), UUID(bytes=head[16:32]))

    def _mark(self, head: bytes) -> bytes:
        return hmac.digest(self.key, head, hashlib.sha256)[:_MARK]


@dataclass(frozen=True, slots=True)
class Signing:
    """Finds the key by which addresses are signed: the platform's, since whoever comes back names nobody."""

    keyring: Keyring
    public_url: str

    async def links(self) -> Links:
        """The signer.

        Raises:
            TransientError: the key cannot be fetched now.
        """
        return Links(self.public_url.rstrip("/"), await self.keyring.secret(None, "addresses of media"))
