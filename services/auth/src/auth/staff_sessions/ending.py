"""How sessions of staff end before their time: rows, revocation and fact, in the transaction of the use-case."""

from uuid import UUID

from auth.impersonations.ending import end_impersonations_of
from auth.sessions.repository import SessionRepository
from auth.staff.repository import StaffRepository
from auth.staff_sessions.repository import StaffSessionRepository
from contracts.auth import SessionsRevoked
from kit.db.database import Transaction


async def end_session(tx: Transaction, session_id: UUID, staff_id: UUID, because: str) -> bool:
    """End one session and its access tokens; False when it had ended before."""
    if not await StaffSessionRepository(tx).end(session_id, staff_id, because):
        return False
    await end_impersonations_of(tx, staff_id, session_id)
    await _tell(tx, staff_id, session_id, await StaffRepository(tx).epoch(staff_id))
    return True


async def end_sessions(tx: Transaction, staff_id: UUID, because: str) -> None:
    """End all sessions of a member of staff, and void all tokens."""
    await StaffSessionRepository(tx).end_all(staff_id, because)
    await end_impersonations_of(tx, staff_id, None)
    await _tell(tx, staff_id, None, await StaffRepository(tx).raise_epoch(staff_id))


async def _tell(tx: Transaction, staff_id: UUID, session_id: UUID | None, epoch: int) -> None:
    await SessionRepository(tx).add_revocation(staff_id, session_id, epoch)
    await tx.emit_of_platform(
        SessionsRevoked(user_id=staff_id, session_id=session_id, epoch=epoch, version=epoch + 1)
    )
