"""What people see of their sessions, and how they end them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from auth.activity.repository import ActivityRepository, Day, Totals
from auth.devices.names import DeviceNames
from auth.factors.enrolled import enrolled
from auth.mails.notices import Notice, notify
from auth.sessions.agents import Agent, read
from auth.sessions.csrf import CsrfTokens
from auth.sessions.errors import SessionEnded, SessionNotFound
from auth.sessions.model import Limits
from auth.sessions.repository import Listed, SessionRepository
from auth.sessions.revoking import end_other_sessions, end_session, end_sessions
from auth.sessions.whereabouts import Whereabouts
from auth.sign_ins.fresh import FRESH, insist_on_fresh_proof
from auth.sign_ins.model import Proof
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import Caller
from kit.http.pagination import PageRequest
from kit.mail import Mailer

BACK: Final = timedelta(days=30)
"""How far statistics go back."""
APART: Final = timedelta(seconds=50)
"""What gateways tell of one session within less than this is one minute."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A session as its owner is shown it."""

    id: UUID
    current: bool
    device_id: UUID | None
    device_name: str | None
    agent: Agent
    ip_address: str | None
    proofs: Sequence[str]
    organization_id: UUID | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Current:
    """Who is signed in, for how long, and how sure that is."""

    session: Shown
    user_id: UUID
    organization_id: UUID | None
    role: str | None
    idle_expires_at: datetime
    fresh_until: datetime | None
    factors: tuple[Proof, ...]
    csrf_token: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """The last thirty days, and what there is now."""

    days: list[Day]
    totals: Totals


@dataclass(frozen=True, slots=True)
class SessionOverview:
    """Lists and ends the caller's sessions. To end others than the present one takes a fresh proof (ASVS 7.5.2)."""

    database: Database
    whereabouts: Whereabouts
    names: DeviceNames
    csrf_tokens: CsrfTokens
    limits: Limits
    mailer: Mailer

    async def mine(self, caller: Caller, page: PageRequest) -> tuple[list[Shown], str | None]:
        """A page of the caller's sessions, the newest first, and the next cursor."""
        before = page.after(UUID)
        async with self.database.transaction() as tx:
            rows = await SessionRepository(tx).page(
                caller.user_id, self.limits.idle, before[0] if before else None, page.limit + 1
            )
        listed, cursor = page.cut(rows, lambda session: (session.id,))
        return await self._opened(listed, caller), cursor

    async def current(self, caller: Caller) -> Current:
        """The caller's own session, for a page that was loaded anew.

        Raises:
            SessionEnded: it has ended, though the access token may be good for a moment.
        """
        async with self.database.transaction() as tx:
            rows = await SessionRepository(tx).page(caller.user_id, self.limits.idle, None, 1, only=caller.session_id)
            factors = await enrolled(tx, caller.user_id)
        if not rows:
            raise SessionEnded
        (shown,) = await self._opened(rows, caller)
        proven = rows[0].strong_at if factors else rows[0].proven_at
        return Current(
            session=shown,
            user_id=caller.user_id,
            organization_id=caller.organization_id,
            role=caller.role,
            idle_expires_at=min(rows[0].used_at + self.limits.idle, rows[0].expires_at),
            fresh_until=None if proven is None else proven + FRESH,
            factors=factors,
            csrf_token=self.csrf_tokens.of(caller.session_id),
        )

    async def end(self, session_id: UUID, caller: Caller) -> None:
        """End one of the caller's sessions.

        Raises:
            SessionNotFound: it has ended, or is somebody else's.
        """
        async with self.database.transaction() as tx:
            if session_id != caller.session_id:
                await insist_on_fresh_proof(tx, caller)
            if not await end_session(tx, session_id, caller.user_id, "ended"):
                raise SessionNotFound
            await tx.emit(audited("auth.session.revoked", caller, "session", session_id))

    async def end_others(self, caller: Caller) -> None:
        """End all of the caller's sessions but this one, whose next refresh gives a good access token again."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
            await end_other_sessions(tx, caller.user_id, caller.session_id)
            await tx.emit(audited("auth.session.others_revoked", caller, "user", caller.user_id))
            await notify(tx, self.mailer, caller.user_id, Notice.SESSIONS_REVOKED)

    async def end_all(self, caller: Caller) -> None:
        """End all of the caller's sessions, this one included."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
            await end_sessions(tx, caller.user_id)
            await tx.emit(audited("auth.session.all_revoked", caller, "user", caller.user_id))
            await notify(tx, self.mailer, caller.user_id, Notice.SESSIONS_REVOKED)

    async def statistics(self, caller: Caller) -> Statistics:
        """What the caller did, and what was tried on the account, by day."""
        async with self.database.snapshot() as tx:
            activity = ActivityRepository(tx)
            return Statistics(
                await activity.days(caller.user_id, BACK), await activity.totals(caller.user_id, self.limits.idle)
            )

    async def seen(self, session_ids: Sequence[UUID]) -> int:
        """Gateways saw these within the last minute; whoever ended meanwhile stays as they are."""
        async with self.database.transaction(durable=False) as tx:
            return await ActivityRepository(tx).seen(session_ids, APART)

    async def _opened(self, rows: Sequence[Listed], caller: Caller) -> list[Shown]:
        visitors = await self.whereabouts.open([(row.id, row.visitor_sealed) for row in rows])
        named = [(row.device_id, row.name_sealed) for row in rows if row.device_id is not None]
        names = dict(zip([device for device, _ in named], await self.names.open(named), strict=True))
        return [
            Shown(
                id=row.id,
                current=row.id == caller.session_id,
                device_id=row.device_id,
                device_name=None if row.device_id is None else names[row.device_id],
                agent=read(visitor.agent),
                ip_address=visitor.address or None,
                proofs=row.proofs,
                organization_id=row.organization_id,
                created_at=row.created_at,
                last_seen_at=row.seen_at,
                expires_at=row.expires_at,
            )
            for row, visitor in zip(rows, visitors, strict=True)
        ]
