from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.announcements.model import Announcement, Received, Recipient, State, Telling, Words, in_language, texts_of
from auth.operations.audience import Audience
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL
from kit.mail import Outgoing

_COLUMNS: Final = """
    a.id, a.texts, a.audience, a.by_mail, a.state, a.send_at, a.job_id, a.version, a.created_by, a.created_at,
    a.ended_at
"""


@dataclass(frozen=True, slots=True)
class AnnouncementRepository:
    """Announcements as staff writes them."""

    tx: Transaction

    async def add(self, announcement_id: UUID, texts: Mapping[str, Words], audience: Audience, by: UUID) -> None:
        """Begin a draft that is sent by mail, too."""
        await self.tx.execute(
            "INSERT INTO announcements (id, texts, audience, by_mail, created_by) VALUES ($1, $2, $3, true, $4)",
            announcement_id,
            {language: asdict(words) for language, words in texts.items()},
            audience.stored(),
            by,
        )

    async def find(self, announcement_id: UUID, *, lock: bool = False) -> Announcement | None:
        """One of them."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM announcements AS a WHERE a.id = $1 "  # noqa: S608 - the columns are a constant
            f"{'FOR NO KEY UPDATE' if lock else ''}",
            announcement_id,
        )
        return None if row is None else _announcement(row)

    async def page(self, before: UUID | None, limit: int) -> list[Announcement]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM announcements AS a WHERE a.id < $1 ORDER BY a.id DESC LIMIT $2
            """,  # noqa: S608 - the columns are a constant
            before or AFTER_ALL,
            limit,
        )
        return [_announcement(row) for row in rows]

    async def save(self, changed: Announcement) -> Announcement:
        """Write a draft anew, as its next version."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE announcements AS a SET texts = $2, audience = $3, by_mail = $4, version = a.version + 1
            WHERE a.id = $1 RETURNING {_COLUMNS}
            """,  # noqa: S608 - the columns are a constant
            changed.id,
            {language: asdict(words) for language, words in changed.texts.items()},
            changed.audience.stored(),
            changed.by_mail,
        )
        if row is None:
            raise LookupError("a locked announcement is gone")
        return _announcement(row)

    async def schedule(self, announcement_id: UUID, job_id: UUID, send_at: datetime | None) -> None:
        """It leaves with a job."""
        await self.tx.execute(
            """
            UPDATE announcements SET state = 'scheduled', job_id = $2, send_at = $3, version = version + 1
            WHERE id = $1 AND state = 'draft'
            """,
            announcement_id,
            job_id,
            send_at,
        )

    async def end(self, job_id: UUID, state: State) -> None:
        """Its job has ended."""
        await self.tx.execute(
            """
            UPDATE announcements SET state = $2, ended_at = kit_now(), version = version + 1
            WHERE job_id = $1 AND state = 'scheduled'
            """,
            job_id,
            state,
        )

    async def of_job(self, job_id: UUID) -> Announcement | None:
        """The announcement that a job brings."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM announcements AS a WHERE a.job_id = $1",  # noqa: S608 - the columns are a constant
            job_id,
        )
        return None if row is None else _announcement(row)


@dataclass(frozen=True, slots=True)
class RecipientRepository:
    """Who is told, once each, and who has read it."""

    tx: Transaction

    async def add(self, announcement_id: UUID, user_ids: Sequence[UUID]) -> list[Recipient]:
        """Tell these people; those who are gone, suspended or were told before are left out."""
        rows = await self.tx.fetch(
            """
            WITH told AS (
                INSERT INTO announcement_recipients (announcement_id, user_id)
                SELECT $1, u.id FROM users AS u
                WHERE u.id = ANY ($2::uuid[]) AND u.verified_at IS NOT NULL AND u.suspended_at IS NULL
                ORDER BY u.id FOR KEY SHARE
                ON CONFLICT DO NOTHING
                RETURNING user_id
            )
            SELECT u.id AS user_id, u.locale AS language,
                   (SELECT i.id FROM identities AS i
                    WHERE i.user_id = u.id AND i.kind = 'email' AND i.verified_at IS NOT NULL
                    ORDER BY i.id LIMIT 1) AS identity_id
            FROM told JOIN users AS u ON u.id = told.user_id
            """,
            announcement_id,
            list(user_ids),
        )
        return [Recipient(row["user_id"], row["identity_id"], row["language"]) for row in rows]

    async def waiting_mails(self, announcement_id: UUID, at_most: int) -> int:
        """How many mails of an announcement have not left yet, counted up to a number."""
        return int(
            await self.tx.fetchval(
                """
                SELECT count(*) FROM (
                    SELECT FROM outgoing_mails WHERE detail = $1 AND status = 'pending' LIMIT $2
                ) AS waiting
                """,
                announcement_id,
                at_most,
            )
        )

    async def contents(self, mails: Sequence[Outgoing]) -> Mapping[UUID, Telling]:
        """What each mail says that still is to leave, in the language of its recipient."""
        rows = await self.tx.fetch(
            """
            SELECT mail.id, i.id AS identity_id, i.user_id, i.sealed, u.locale, a.texts
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS mail (id, identity_id, announcement_id)
            JOIN identities AS i ON i.id = mail.identity_id AND i.verified_at IS NOT NULL
            JOIN users AS u ON u.id = i.user_id AND u.suspended_at IS NULL
            JOIN announcements AS a ON a.id = mail.announcement_id AND a.state IN ('scheduled', 'sent')
            """,
            [mail.id for mail in mails],
            [mail.about for mail in mails],
            [mail.detail for mail in mails],
        )
        return {
            row["id"]: Telling(
                SealedAddress(row["identity_id"], row["sealed"]),
                row["user_id"],
                in_language(texts_of(row["texts"]), row["locale"]),
            )
            for row in rows
        }

    async def received(
        self, user_id: UUID, before: UUID | None, limit: int, language: str, *, unread: bool
    ) -> list[Received]:
        """What somebody was told and was not called off, the newest first."""
        rows = await self.tx.fetch(
            """
            SELECT a.id, a.texts, r.told_at, r.read_at
            FROM announcement_recipients AS r JOIN announcements AS a ON a.id = r.announcement_id
            WHERE r.user_id = $1 AND a.state IN ('scheduled', 'sent') AND a.id < $2
              AND (NOT $4 OR r.read_at IS NULL)
            ORDER BY a.id DESC LIMIT $3
            """,
            user_id,
            before or AFTER_ALL,
            limit,
            unread,
        )
        return [
            Received(row["id"], in_language(texts_of(row["texts"]), language), row["told_at"], row["read_at"])
            for row in rows
        ]

    async def mark_read(self, user_id: UUID, announcement_id: UUID) -> bool:
        """Somebody has read it; False when they were not told."""
        touched = await self.tx.execute(
            """
            UPDATE announcement_recipients SET read_at = coalesce(read_at, kit_now())
            WHERE user_id = $1 AND announcement_id = $2
            """,
            user_id,
            announcement_id,
        )
        return touched == 1

    async def of_person(self, user_id: UUID, after: UUID, limit: int) -> list[Row]:
        """What somebody was told, and when they read it."""
        return await self.tx.fetch(
            """
            SELECT announcement_id, user_id, told_at, read_at FROM announcement_recipients
            WHERE user_id = $1 AND announcement_id > $2 ORDER BY announcement_id LIMIT $3
            """,
            user_id,
            after,
            limit,
        )

    async def forget(self, user_id: UUID) -> int:
        """Forget what somebody was told."""
        return await self.tx.execute("DELETE FROM announcement_recipients WHERE user_id = $1", user_id)

    async def count(self, announcement_ids: Collection[UUID]) -> Mapping[UUID, tuple[int, int]]:
        """How many were told of each, and how many have read it."""
        rows = await self.tx.fetch(
            """
            SELECT announcement_id, count(*) AS told, count(read_at) AS read FROM announcement_recipients
            WHERE announcement_id = ANY ($1::uuid[]) GROUP BY announcement_id
            """,
            list(announcement_ids),
        )
        return {row["announcement_id"]: (row["told"], row["read"]) for row in rows}


def _announcement(row: Row) -> Announcement:
    return Announcement(
        id=row["id"],
        texts=texts_of(row["texts"]),
        audience=Audience.read(row["audience"]),
        by_mail=row["by_mail"],
        state=State(row["state"]),
        send_at=row["send_at"],
        job_id=row["job_id"],
        version=row["version"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )
