from collections.abc import Sequence
from typing import Final
from uuid import UUID

from inbox.attributes.model import Attribute
from inbox.attributes.repository import AttributeRepository
from kit.db.database import Transaction
from kit.seal import Keyring

VALUE: Final = b"conversation_attributes.value_sealed"
"""Where the value of a personal attribute lies sealed."""


async def written_values(tx: Transaction, keyring: Keyring, conversation_id: UUID) -> Sequence[tuple[Attribute, str]]:
    """The values of a conversation as they are written; those of a forgotten contact are left out."""
    attributes = AttributeRepository(tx)
    known = {each.id: each for each in await attributes.all("conversation")}
    rows = await attributes.values([conversation_id])
    sealed = [(row["value_sealed"], VALUE) for row in rows if row["value_sealed"] is not None]
    told = iter(await keyring.open_many(tx.organization_id, sealed) if sealed else ())
    found: list[tuple[Attribute, str]] = []
    for row in rows:
        opened = None if row["value_sealed"] is None else next(told)
        written = row["value"] if opened is None else opened.decode()
        if written is not None:
            found.append((known[row["attribute_id"]], written))
    return found
