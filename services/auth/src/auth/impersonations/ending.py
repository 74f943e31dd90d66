"""How impersonations end before their time: rows, revocations and facts, in the transaction of the use-case."""

from uuid import UUID

from auth.impersonations.model import EndedBy, Impersonation
from auth.impersonations.repository import ImpersonationRepository
from auth.sessions.revoking import void_session
from kit.audit import SYSTEM, Actor, audited
from kit.db.database import Transaction


async def end_impersonation(tx: Transaction, held: Impersonation, by: EndedBy, actor: Actor) -> bool:
    """End one and its tokens; False when it is over. From here on the transaction is bound to no organization."""
    if not await ImpersonationRepository(tx).end(held.id, by):
        return False
    line = audited(
        "auth.impersonation.ended",
        actor,
        "user",
        held.user_id,
        organization_id=held.organization_id,
        impersonation=str(held.id),
        by=by.value,
    )
    await void_session(tx, held.id, held.user_id)
    await tx.emit(line)
    return True


async def end_impersonations_of(tx: Transaction, staff_id: UUID, staff_session_id: UUID | None) -> None:
    """End all that a member of staff began in a session that ended, or in all."""
    for row in await ImpersonationRepository(tx).end_of_staff(staff_id, staff_session_id):
        await void_session(tx, row["id"], row["user_id"])
        await tx.emit(
            audited(
                "auth.impersonation.ended",
                SYSTEM,
                "user",
                row["user_id"],
                organization_id=row["organization_id"],
                impersonation=str(row["id"]),
                by=EndedBy.SESSION.value,
            )
        )
