"""What the team arranges its work with: labels, attributes, canned replies, macros and saved filters."""

from typing import Literal
from uuid import UUID

from contracts.inbox import ArrangementChanged
from kit.db.database import Transaction

Kind = Literal["label", "attribute", "canned_reply", "macro", "view", "segment"]


async def tell_arranged(tx: Transaction, kind: Kind, thing_id: UUID, version: int, *, deleted: bool = False) -> None:
    """Something that all of the organization share was made, changed or deleted."""
    await tx.emit(
        ArrangementChanged(
            organization_id=tx.organization_id, version=version, kind=kind, thing_id=thing_id, deleted=deleted
        )
    )
