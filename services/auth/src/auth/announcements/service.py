from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from auth.announcements.errors import (
    AnnouncementLeft,
    AnnouncementNotFound,
    AnnouncementNotUnderWay,
    AnnouncementTimeInPast,
)
from auth.announcements.kind import KIND
from auth.announcements.model import Announcement, Received, State, Words, audience_of
from auth.announcements.repository import AnnouncementRepository, RecipientRepository
from auth.mails.model import announcement_test
from auth.operations.audience import Audience
from auth.operations.repository import AudienceRepository
from auth.staff.repository import StaffRepository
from auth.staff.sealing import StaffSeals
from auth.staff_sessions.fresh import insist_on_fresh_proof
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import Job, Submission
from kit.mail import Mailer

Progress = tuple[Announcement, Job | None, tuple[int, int]]
"""An announcement, the job that brings it, and how many were told and have read it."""


@dataclass(frozen=True, slots=True)
class AnnouncementService:
    """What staff tells users: written, tried out, scheduled, called off."""

    database: Database
    jobs: Jobs
    mailer: Mailer
    seals: StaffSeals

    async def draft(
        self, texts: Mapping[str, Words], audience: Audience, staff: StaffCaller, key: Idempotency
    ) -> Announcement:
        """Begin an announcement."""
        async with self.database.transaction() as tx:
            if earlier := await key.claim(tx):
                return await _found(tx, earlier.resource_id)
            announcement_id = new_id()
            await AnnouncementRepository(tx).add(announcement_id, texts, audience, staff.staff_id)
            await key.remember(tx, announcement_id)
            await tx.emit_of_platform(audited("auth.announcement.drafted", staff, "announcement", announcement_id))
            return await _found(tx, announcement_id)

    async def change(  # noqa: PLR0917 - what a draft is
        self,
        announcement_id: UUID,
        texts: Mapping[str, Words],
        audience: Audience,
        by_mail: bool,
        staff: StaffCaller,
        expected: Condition,
    ) -> Announcement:
        """Write a draft anew."""
        async with self.database.transaction() as tx:
            held = await _locked_draft(tx, announcement_id)
            expected.check(held.version)
            saved = await AnnouncementRepository(tx).save(
                replace(held, texts=texts, audience=audience, by_mail=by_mail)
            )
            await tx.emit_of_platform(
                audited("auth.announcement.changed", staff, "announcement", announcement_id, version=saved.version)
            )
        return saved

    async def find(self, announcement_id: UUID) -> Progress:
        """One of them, with its progress."""
        async with self.database.transaction() as tx:
            (found,) = await self._with_progress(tx, [await _found(tx, announcement_id)])
        return found

    async def page(self, before: UUID | None, limit: int) -> list[Progress]:
        """The newest first."""
        async with self.database.transaction() as tx:
            return await self._with_progress(tx, await AnnouncementRepository(tx).page(before, limit))

    async def count(self, announcement_id: UUID) -> int:
        """How many people it would reach now."""
        async with self.database.transaction() as tx:
            announcement = await _found(tx, announcement_id)
            return await AudienceRepository(tx).count(audience_of(announcement.audience))

    async def try_out(self, announcement_id: UUID, language: str, staff: StaffCaller) -> None:
        """Send it to the member of staff who asks, and to nobody else."""
        async with self.database.transaction() as tx:
            announcement = await _found(tx, announcement_id)
            member = await StaffRepository(tx).find(staff.staff_id)
        if member is None:
            raise AnnouncementNotFound
        address = await self.seals.address(member.id, member.email_sealed)
        async with self.database.transaction() as tx:
            await self.mailer.queue(
                tx, announcement_test(address, announcement.words(language).parameters(), language)
            )
            await tx.emit_of_platform(audited("auth.announcement.tried_out", staff, "announcement", announcement_id))

    async def schedule(
        self, announcement_id: UUID, send_at: datetime | None, staff: StaffCaller, expected: Condition
    ) -> Progress:
        """Let it leave now, or at a time; from here on it can only be cancelled."""
        if send_at is not None and send_at <= self.database.clock.now():
            raise AnnouncementTimeInPast
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            held = await _locked_draft(tx, announcement_id)
            expected.check(held.version)
            wanted = Submission(KIND, str(held.id), submitted_by=staff.staff_id, start_at=send_at)
            await AnnouncementRepository(tx).schedule(held.id, wanted.id, send_at)
            await self.jobs.submit(tx, wanted)
            await tx.emit_of_platform(
                audited(
                    "auth.announcement.scheduled",
                    staff,
                    "announcement",
                    announcement_id,
                    job=str(wanted.id),
                    at="" if send_at is None else send_at.isoformat(),
                )
            )
            (found,) = await self._with_progress(tx, [await _found(tx, announcement_id)])
        return found

    async def cancel(self, announcement_id: UUID, staff: StaffCaller) -> Progress:
        """Call it off: nobody more is told, mails that have not left never do, and the console shows it no more."""
        async with self.database.transaction() as tx:
            held = await _found(tx, announcement_id)
            if held.state is State.CANCELLED:
                (found,) = await self._with_progress(tx, [held])
                return found
            if held.state is not State.SCHEDULED or held.job_id is None:
                raise AnnouncementNotUnderWay
            await self.jobs.cancel(tx, held.job_id)
            await tx.emit_of_platform(audited("auth.announcement.cancelled", staff, "announcement", announcement_id))
            (found,) = await self._with_progress(tx, [await _found(tx, announcement_id)])
        return found

    async def received(
        self, caller: Caller, before: UUID | None, limit: int, language: str, *, unread: bool
    ) -> list[Received]:
        """What the caller was told, the newest first."""
        async with self.database.transaction() as tx:
            return await RecipientRepository(tx).received(caller.user_id, before, limit, language, unread=unread)

    async def mark_read(self, caller: Caller, announcement_id: UUID) -> None:
        """The caller has read it; twice is once."""
        async with self.database.transaction() as tx:
            if not await RecipientRepository(tx).mark_read(caller.user_id, announcement_id):
                raise AnnouncementNotFound

    async def _with_progress(self, tx: Transaction, several: Sequence[Announcement]) -> list[Progress]:
        counts = await RecipientRepository(tx).count([each.id for each in several])
        jobs = await self.jobs.several(tx, [each.job_id for each in several if each.job_id])
        return [
            (each, jobs.get(each.job_id) if each.job_id else None, counts.get(each.id, (0, 0))) for each in several
        ]


async def _found(tx: Transaction, announcement_id: UUID) -> Announcement:
    announcement = await AnnouncementRepository(tx).find(announcement_id)
    if announcement is None:
        raise AnnouncementNotFound
    return announcement


async def _locked_draft(tx: Transaction, announcement_id: UUID) -> Announcement:
    announcement = await AnnouncementRepository(tx).find(announcement_id, lock=True)
    if announcement is None:
        raise AnnouncementNotFound
    if announcement.state is not State.DRAFT:
        raise AnnouncementLeft
    return announcement
