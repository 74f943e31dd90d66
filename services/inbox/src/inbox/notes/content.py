"""What a note says, on its way to and from its row: sealed under the contact's key, like a message."""

from typing import Final
from uuid import UUID

from inbox.contacts.recognizing import subject
from kit.seal import Keyring

NOTE: Final = b"notes.content_sealed"
"""Where a note and its earlier versions lie sealed: another place than a message's, so that none can pass for one."""


async def sealed_note(keyring: Keyring, organization_id: UUID, contact_id: UUID, text: str) -> bytes:
    """Seal what a note says.

    Raises:
        KeyShredded: the contact was forgotten.
    """
    return await keyring.seal(organization_id, text.encode(), NOTE, subject=subject(contact_id))
