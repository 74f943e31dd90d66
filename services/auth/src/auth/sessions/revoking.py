"""How sessions and tokens end before their time: row, revocation and fact, in the transaction of the use-case.

Such a fact is about a person and belongs to no organization. So these are the last steps of a transaction: from here
on it is bound to none.
"""

from uuid import UUID

from auth.sessions.repository import SessionRepository
from contracts.auth import SessionsRevoked
from kit.db.database import Transaction


async def end_session(tx: Transaction, session_id: UUID, user_id: UUID, because: str) -> bool:
    """End one session and its access tokens; False when it had ended before."""
    if not await SessionRepository(tx).end(session_id, user_id, because):
        return False
    await _tell(tx, user_id, session_id, by=0)
    return True


async def end_sessions(tx: Transaction, user_id: UUID, *, keep: UUID | None = None) -> None:
    """End all sessions of a user, but for the one that is to be kept: its access token is void too, and renewed.

    Devices that were remembered are so no more: each is asked for the second factor again.
    """
    await _tell(tx, user_id, None, by=1, end_sessions=True)
    if keep is not None:
        await SessionRepository(tx).carry_over(keep, user_id)


async def end_sessions_on(tx: Transaction, user_id: UUID, device_id: UUID) -> None:
    """End the sessions that were begun on one device."""
    for session_id in await SessionRepository(tx).begun_on(user_id, device_id):
        await end_session(tx, session_id, user_id, "device-forgotten")


async def void_tokens(tx: Transaction, user_id: UUID) -> None:
    """Void a user's access tokens; the sessions go on, and the next refresh says what holds now.

    For a change of role: it takes effect at once, and nobody is signed out of another organization by it.
    """
    await _tell(tx, user_id, None, by=1)


async def _tell(
    tx: Transaction, user_id: UUID, session_id: UUID | None, *, by: int, end_sessions: bool = False
) -> None:
    await tx.bind()
    sessions = SessionRepository(tx)
    epoch, version = await sessions.raise_epoch(user_id, by=by, end_sessions=end_sessions)
    await sessions.add_revocation(user_id, session_id, epoch)
    await tx.emit(SessionsRevoked(user_id=user_id, session_id=session_id, epoch=epoch, version=version))
