from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from auth.announcements.model import Announcement, Recipient, State, audience_of
from auth.announcements.repository import AnnouncementRepository, RecipientRepository
from auth.mails.model import ANNOUNCEMENTS, announcement_mail
from auth.operations.repository import AudienceRepository
from auth.preferences.repository import PreferenceRepository
from auth.system.registry import ANNOUNCEMENT_PACE
from auth.system.repository import SettingRepository
from contracts.audit import AuditEntry
from kit.audit import SYSTEM, audited
from kit.db.database import Transaction
from kit.errors import TransientError
from kit.jobs import model as jobs
from kit.jobs.model import Done, Found, Item, Job, NewItem, Outcome, Skipped
from kit.mail import Mailer

KIND: Final = "auth.announcement"
_ENDS: Final = {
    jobs.State.FINISHED: State.SENT,
    jobs.State.CANCELLED: State.CANCELLED,
    jobs.State.FAILED: State.FAILED,
}


class MailsWait(TransientError):
    """So many mails of this announcement wait to leave that more are made later."""


@dataclass(frozen=True, slots=True)
class AnnouncementKind:
    """Tells everybody of an audience once: in the console, and by mail who wants such mails.

    A person is told in the transaction that writes their mail. Mails are made only as fast as they leave, so that
    whoever cancels stops what was not made, and what was made says nothing when its turn comes.
    """

    mailer: Mailer
    name: str = KIND
    batch: int = 100
    prepares: bool = False

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """The audience, by id."""
        announcement = await self._of(tx, job)
        after = None if cursor is None else UUID(cursor)
        found = await AudienceRepository(tx).page(audience_of(announcement.audience), after, limit)
        return Found([NewItem(each) for each in found], str(found[-1]) if len(found) == limit else None)

    async def prepare(self, job: Job, items: Sequence[Item]) -> None:
        """There is nothing to prepare: addresses are opened when mails leave."""
        del job, items

    async def work(self, tx: Transaction, job: Job, items: Sequence[Item], prepared: None) -> Mapping[int, Outcome]:
        """Tell a batch of people."""
        del prepared
        announcement = await self._of(tx, job)
        recipients = RecipientRepository(tx)
        most = await SettingRepository(tx).value(ANNOUNCEMENT_PACE)
        if announcement.by_mail and await recipients.waiting_mails(announcement.id, most) >= most:
            raise MailsWait(retry_after=2.0)
        people = [item.subject_id for item in items if item.subject_id is not None]
        told = {each.user_id: each for each in await recipients.add(announcement.id, people)}
        unwanted = await PreferenceRepository(tx).without(told, ANNOUNCEMENTS.name)
        outcomes: dict[int, Outcome] = {}
        for item in items:
            recipient = told.get(item.subject_id) if item.subject_id else None
            if recipient is None:
                outcomes[item.number] = Skipped("not-told", "Gone, suspended, or told before.")
            else:
                mails = announcement.by_mail and recipient.user_id not in unwanted
                outcomes[item.number] = await self._tell(tx, announcement, recipient, mails=mails)
        return outcomes

    async def _tell(self, tx: Transaction, announcement: Announcement, to: Recipient, *, mails: bool) -> Outcome:
        if not mails or to.identity_id is None:
            return Done("in-console")
        mail = announcement_mail(announcement.id, to.user_id, to.identity_id, to.language)
        await self.mailer.queue(tx, mail)
        return Done("by-mail")

    async def ended(self, tx: Transaction, job: Job) -> None:
        """The announcement ends as its job does."""
        await AnnouncementRepository(tx).end(job.id, _ENDS[job.state])
        await tx.emit_of_platform(_line(job, await self._of(tx, job)))

    @staticmethod
    async def _of(tx: Transaction, job: Job) -> Announcement:
        announcement = await AnnouncementRepository(tx).of_job(job.id)
        if announcement is None:
            raise LookupError("a job without its announcement")
        return announcement


def _line(job: Job, announcement: Announcement) -> AuditEntry:
    return audited(
        "auth.announcement.ended",
        SYSTEM,
        "announcement",
        announcement.id,
        state=announcement.state.value,
        told=job.done,
        skipped=job.skipped,
        failed=job.failed,
    )
