"""Media: uploaded by the business or sent by people, met by id, fetched at an address that soon expires."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field

from sandbox.json import Object
from sandbox.ring import Ring
from sandbox.whatsapp import errors

KEPT_MEDIA = 2_000
KEPT_BYTES = 256 * 1024 * 1024
MIB = 1024 * 1024
TYPES: dict[str, tuple[int, tuple[str, ...]]] = {
    "image": (5 * MIB, ("image/jpeg", "image/png")),
    "audio": (16 * MIB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/opus")),
    "video": (16 * MIB, ("video/mp4", "video/3gpp")),
    "sticker": (500 * 1024, ("image/webp",)),
    "document": (
        100 * MIB,
        (
            "text/plain",
            "text/csv",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
    ),
}
LOOKASIDE = "/whatsapp/lookaside/whatsapp_business/attachments/"


@dataclass(frozen=True, slots=True)
class Media:
    """A file as WhatsApp keeps it."""

    phone_number_id: str
    mime_type: str
    content: bytes = field(repr=False)
    id: str = field(default_factory=lambda: str(10**15 + secrets.randbelow(9 * 10**15)))

    @property
    def sha256(self) -> bytes:
        """The digest of its bytes; webhooks carry it in base64, the API in hex."""
        return hashlib.sha256(self.content).digest()

    def in_a_webhook(self) -> Object:
        """How a message refers to it."""
        digest = base64.b64encode(self.sha256).decode()
        return {"mime_type": self.mime_type, "sha256": digest, "id": self.id}


class MediaStore:
    """All media; an address of one is signed and good for a while."""

    def __init__(self) -> None:
        self._ring: Ring[Media] = Ring(most=KEPT_MEDIA, heaviest=KEPT_BYTES)
        self._key = secrets.token_bytes(32)

    def add(self, media: Media, *, visible_after: float = 0.0) -> Media:
        """Keep a file."""
        self._ring.add(media, weight=len(media.content), visible_after=visible_after)
        return media

    def upload(self, phone_number_id: str, mime_type: str, content: bytes, *, visible_after: float) -> Media:
        """Keep a file of the business; refused where the type is not known or the file too large."""
        bare = mime_type.split(";", maxsplit=1)[0].strip().lower()
        kind = next((name for name, (_, types) in TYPES.items() if bare in types), None)
        if kind is None:
            known = ", ".join(one for _, types in TYPES.values() for one in types)
            raise errors.wrong_parameter(f"Param file must be a file with one of the following types: {known}.")
        if not content:
            raise errors.wrong_parameter("Param file must not be empty.")
        if len(content) > TYPES[kind][0]:
            raise errors.refused(131053, f"{kind} files may have {TYPES[kind][0]} bytes at most")
        return self.add(Media(phone_number_id, bare, content), visible_after=visible_after)

    def find(self, media_id: str) -> Media | None:
        """A file by its id, if it can be read already."""
        return self._ring.find(lambda one: one.id == media_id)

    def remove(self, media_id: str) -> None:
        """Forget a file."""
        self._ring.remove(lambda one: one.id == media_id)

    def address(self, media: Media, base_url: str, good_for: float) -> str:
        """Where the bytes can be fetched for a while."""
        until = f"{time.time() + good_for:.3f}"
        return f"{base_url.rstrip('/')}{LOOKASIDE}?mid={media.id}&ext={until}&hash={self._sign(media.id, until)}"

    def fetch(self, media_id: str, until: str, signature: str) -> Media | None:
        """The file behind an address; None where the address is wrong, too old, or the file gone."""
        if not hmac.compare_digest(signature.encode(), self._sign(media_id, until).encode()):
            return None
        return self.find(media_id) if float(until) > time.time() else None

    def clear(self) -> None:
        """Forget all."""
        self._ring.clear()

    def _sign(self, media_id: str, until: str) -> str:
        return hmac.new(self._key, f"{media_id}:{until}".encode(), hashlib.sha256).hexdigest()[:40]
