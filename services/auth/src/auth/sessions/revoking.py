"""How sessions and tokens end before their time: row, revocation and fact, in the transaction of the use-case.

Such a fact is about a person and belongs to no organization. So these are the last steps of a transaction: from here
on it is bound to none.
"""

from collections.abc import Collection
from uuid import UUID

from auth.sessions.model import Limits
from auth.sessions.repository import SessionRepository
from auth.sign_ins.repository import SignInRepository
from contracts.auth import SessionsRevoked
from kit.audit import SYSTEM, audited
from kit.db.database import Transaction


async def end_session(tx: Transaction, session_id: UUID, user_id: UUID, because: str) -> bool:
    """End one session and its access tokens; False when it had ended before."""
    if not await SessionRepository(tx).end(session_id, user_id, because):
        return False
    await _tell(tx, user_id, session_id, by=0)
    return True


async def end_outnumbered(tx: Transaction, user_id: UUID, limits: Limits) -> None:
    """End the sessions of a user beyond the limit, used least lately; the last step of beginning one.

    Whoever begins one has counted it in the activity of the day, which orders the sign-ins of one person.
    """
    for session_id in await SessionRepository(tx).outnumbered(user_id, limits.idle, limits.parallel):
        if await end_session(tx, session_id, user_id, "displaced"):
            await tx.emit(audited("auth.session.displaced", SYSTEM, "session", session_id))


async def end_sessions(tx: Transaction, user_id: UUID) -> None:
    """End all sessions of a user, and sign-ins that wait for a second factor."""
    await _tell(tx, user_id, None, by=1, end_sessions=True)


async def end_sessions_on(tx: Transaction, user_id: UUID, device_id: UUID) -> None:
    """End the sessions that were begun on one device."""
    for session_id in await SessionRepository(tx).begun_on(user_id, device_id):
        await end_session(tx, session_id, user_id, "device-forgotten")


async def end_other_sessions(tx: Transaction, user_id: UUID, session_id: UUID) -> None:
    """End all sessions of a user but one, whose next refresh says what holds now; one that has ended stays ended."""
    sessions = SessionRepository(tx)
    going_on = await sessions.hold(session_id, user_id)
    epoch = await _tell(tx, user_id, None, by=1, end_sessions=True)
    if going_on:
        await sessions.carry_over(session_id, epoch)


async def void_tokens(tx: Transaction, user_id: UUID) -> None:
    """Void a user's access tokens; the sessions go on, and the next refresh says what holds now.

    For a change of role: it takes effect at once, and nobody is signed out of another organization by it.
    """
    await _tell(tx, user_id, None, by=1)


async def void_session(tx: Transaction, session_id: UUID, user_id: UUID) -> None:
    """Void the access tokens of one session of a user whose row says itself that it has ended: an impersonation."""
    await _tell(tx, user_id, session_id, by=0)


async def void_tokens_of(tx: Transaction, user_ids: Collection[UUID]) -> None:
    """Void the access tokens of several users at once; those who are gone are passed over."""
    await tx.bind()
    sessions = SessionRepository(tx)
    rows = await sessions.raise_epochs(user_ids)
    await sessions.add_revocations({row["id"]: row["epoch"] for row in rows})
    await tx.emit(
        *(
            SessionsRevoked(user_id=row["id"], session_id=None, epoch=row["epoch"], version=row["version"])
            for row in rows
        )
    )


async def void_credential(
    tx: Transaction, principal_id: UUID, *, session_id: UUID | None = None, epoch: int = 0, version: int
) -> None:
    """Void the tokens of what is no person: of one session of it, or all of an older epoch.

    For API keys, partners' programs and what they were granted; their rows say themselves that they have ended.
    """
    await tx.bind()
    await SessionRepository(tx).add_revocation(principal_id, session_id, epoch)
    await tx.emit(SessionsRevoked(user_id=principal_id, session_id=session_id, epoch=epoch, version=version))


async def void_tokens_of_members(tx: Transaction) -> None:
    """Void the access tokens of all members of the transaction's organization; their sessions go on."""
    raised = await SessionRepository(tx).raise_epochs_of_members(tx.organization_id)
    await tx.bind()
    await tx.emit(
        *(
            SessionsRevoked(user_id=each.user_id, session_id=None, epoch=each.epoch, version=each.version)
            for each in raised
        )
    )


async def _tell(
    tx: Transaction, user_id: UUID, session_id: UUID | None, *, by: int, end_sessions: bool = False
) -> int:
    await tx.bind()
    sessions = SessionRepository(tx)
    if end_sessions:
        await SignInRepository(tx).delete(user_id)
    epoch, version = await sessions.raise_epoch(user_id, by=by, end_sessions=end_sessions)
    await sessions.add_revocation(user_id, session_id, epoch)
    await tx.emit(SessionsRevoked(user_id=user_id, session_id=session_id, epoch=epoch, version=version))
    return epoch
