"""Who may be written to just now: asked once more at the moment of sending, whatever was planned."""

from collections.abc import Collection, Mapping
from uuid import UUID

from inbox.consent.model import Purpose
from inbox.consent.repository import ConsentRepository
from kit.db.database import Row, Transaction

OPTED_OUT = "contact-opted-out"


async def forbidden(
    tx: Transaction, kind: str, contact_ids: Collection[UUID], purpose: Purpose
) -> Mapping[UUID, str]:
    """Those of these contacts who may not be written to on channels of this kind for this purpose, with the code.

    Marketing to many needs that it was granted; anything else only that it was not refused.
    """
    needs_grant = purpose == "marketing"
    answers = await ConsentRepository(tx).refused(contact_ids, kind, purpose, needs_grant=needs_grant)
    return {each: answer.refuses(needs_grant=needs_grant) for each, answer in answers.items()}


def stands_against(row: Row, refused: Mapping[UUID, str]) -> str:
    """Why this recipient may not be written to; empty when nothing stands against it."""
    if row["opted_out"]:
        return OPTED_OUT
    return refused.get(row["contact_id"], "")
