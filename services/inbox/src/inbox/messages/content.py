"""The content of messages on its way to and from its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from inbox.contacts.recognizing import subject
from inbox.messages.model import Content
from kit.seal import Keyring

CONTENT: Final = b"messages.content_sealed"
PROVIDER_ID: Final = b"messages.provider_sealed"
TOKEN: Final = b"channels.token_sealed"


def packed(content: Content) -> bytes:
    """The content as it is sealed."""
    return orjson.dumps({"text": content.text, "detail": dict(content.detail)})


def unpacked(opened: bytes | None) -> Content | None:
    """The content again; None when its key was destroyed."""
    if opened is None:
        return None
    told: dict[str, Any] = orjson.loads(opened)
    return Content(told["text"], told["detail"])


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals what belongs to a contact under the contact's key."""

    keyring: Keyring

    async def content(self, organization_id: UUID, contact_id: UUID, content: Content) -> bytes:
        """Seal a content."""
        return await self.keyring.seal(organization_id, packed(content), CONTENT, subject=subject(contact_id))

    async def provider_id(self, organization_id: UUID, contact_id: UUID, provider_id: str) -> bytes:
        """Seal the platform's id of a message: the contact's number can be read from it."""
        told = provider_id.encode(errors="surrogatepass")
        return await self.keyring.seal(organization_id, told, PROVIDER_ID, subject=subject(contact_id))

    async def contents(self, organization_id: UUID, sealed: Sequence[bytes]) -> list[Content | None]:
        """Open many, with one look-up; None also where nothing is left of a forgotten contact's."""
        filled = [(each, CONTENT) for each in sealed if each]
        opened = iter(await self.keyring.open_many(organization_id, filled) if filled else ())
        return [unpacked(next(opened)) if each else None for each in sealed]

    async def provider_ids(self, organization_id: UUID, sealed: Sequence[bytes]) -> list[str]:
        """The platform's ids that can still be opened."""
        if not sealed:
            return []
        opened = await self.keyring.open_many(organization_id, [(each, PROVIDER_ID) for each in sealed])
        return [each.decode(errors="surrogatepass") for each in opened if each is not None]
