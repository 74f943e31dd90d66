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
    answers = await ConsentRepository(tx).ask_for(list(contact_ids), kind, purpose)
    refused = {each: answer.refuses(needs_grant=purpose == "marketing") for each, answer in answers.items()}
    return {each: code for each, code in refused.items() if code}


def stands_against(row: Row, refused: Mapping[UUID, str]) -> str:
    """Why this recipient may not be written to; empty when nothing stands against it."""
    if row["opted_out"]:
        return OPTED_OUT
    return refused.get(row["contact_id"], "")
