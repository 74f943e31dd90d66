from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from inbox.attributes.model import Attribute, Value, read_as
from inbox.attributes.repository import AttributeRepository
from kit.db.database import Row, Transaction
from kit.seal import Keyring

VALUE: Final = b"conversation_attributes.value_sealed"
"""Where the value of a personal attribute lies sealed."""


async def written_values(tx: Transaction, keyring: Keyring, conversation_id: UUID) -> Sequence[tuple[Attribute, str]]:
    """The values of a conversation as they are written; those of a forgotten contact are left out."""
    attributes = AttributeRepository(tx)
    known = {each.id: each for each in await attributes.all("conversation")}
    rows = await attributes.values([conversation_id])
    opened = await _opened(keyring, tx.organization_id, rows)
    return [(known[row["attribute_id"]], value) for row, value in opened]


async def shown_values(
    keyring: Keyring, organization_id: UUID, rows: Sequence[Row]
) -> Mapping[UUID, Mapping[str, Value]]:
    """Values by conversation and key, as they are shown; those of a forgotten contact are left out."""
    found: dict[UUID, dict[str, Value]] = {}
    for row, value in await _opened(keyring, organization_id, rows):
        found.setdefault(row["conversation_id"], {})[row["key"]] = read_as(row["type"], value)
    return found


async def _opened(keyring: Keyring, organization_id: UUID, rows: Sequence[Row]) -> list[tuple[Row, str]]:
    sealed = [(row["value_sealed"], VALUE) for row in rows if row["value_sealed"] is not None]
    told = iter(await keyring.open_many(organization_id, sealed) if sealed else ())
    found: list[tuple[Row, str]] = []
    for row in rows:
        opened = None if row["value_sealed"] is None else next(told)
        written = row["value"] if opened is None else opened.decode()
        if written is not None:
            found.append((row, written))
    return found
