from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.challenges.model import Purpose
from kit.db.database import Row, Transaction
from kit.mail import Outgoing


@dataclass(frozen=True, slots=True)
class ChallengeContent:
    """What the mail of a challenge is made of: the address as it was typed, and as it is proven by whoever has it."""

    purpose: Purpose
    challenge_id: UUID
    claimed: SealedAddress | None
    proven: SealedAddress | None
    has_password: bool


@dataclass(frozen=True, slots=True)
class InvitationContent:
    """What a mail about an invitation is made of; `user_id` is the invited person's, if they have an account."""

    to: SealedAddress
    organization: str
    inviter: SealedAddress | None
    role: str
    user_id: UUID | None
    open: bool


@dataclass(frozen=True, slots=True)
class NoticeContent:
    """What a security notice is made of."""

    to: SealedAddress
    notice: str
    happened_at: datetime
    cause: UUID
    recovery_codes_left: int
    """As of now, when the mail leaves."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where to write to a person, and in which language."""

    identity_id: UUID
    locale: str


@dataclass(frozen=True, slots=True)
class ContentRepository:
    """What mails are about, read when they leave."""

    tx: Transaction

    async def challenges(self, mails: Sequence[Outgoing]) -> Mapping[UUID, ChallengeContent]:
        """What each mail of a challenge says; none when the challenge is over."""
        rows = await self.tx.fetch(
            """
            SELECT mail.id, c.id AS challenge_id, c.purpose, c.sealed, c.password_hash <> '' AS has_password,
                   i.id AS identity_id, i.sealed AS identity_sealed
            FROM unnest($1::uuid[], $2::uuid[]) AS mail (id, challenge_id)
            JOIN challenges AS c ON c.id = mail.challenge_id AND c.used_at IS NULL AND c.expires_at > kit_now()
            LEFT JOIN identities AS i ON i.kind = c.kind AND i.blind = c.blind AND i.verified_at IS NOT NULL
            """,
            [mail.id for mail in mails],
            [mail.detail for mail in mails],
        )
        return {
            row["id"]: ChallengeContent(
                Purpose(row["purpose"]),
                row["challenge_id"],
                None if row["sealed"] is None else SealedAddress(row["challenge_id"], row["sealed"]),
                None if row["identity_id"] is None else SealedAddress(row["identity_id"], row["identity_sealed"]),
                row["has_password"],
            )
            for row in rows
        }

    async def notices(self, mails: Sequence[Outgoing]) -> Mapping[UUID, NoticeContent]:
        """What each security notice says."""
        rows = await self.tx.fetch(
            """
            SELECT mail.id, i.id AS identity_id, i.sealed, n.notice, n.happened_at, n.cause,
                   (SELECT count(*) FROM recovery_codes AS c WHERE c.user_id = i.user_id) AS recovery_codes_left
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS mail (id, identity_id, notice_id)
            JOIN identities AS i ON i.id = mail.identity_id AND i.verified_at IS NOT NULL
            JOIN security_notices AS n ON n.id = mail.notice_id
            """,
            [mail.id for mail in mails],
            [mail.about for mail in mails],
            [mail.detail for mail in mails],
        )
        return {
            row["id"]: NoticeContent(
                SealedAddress(row["identity_id"], row["sealed"]),
                row["notice"],
                row["happened_at"],
                row["cause"],
                row["recovery_codes_left"],
            )
            for row in rows
        }

    async def invitations(self, mails: Sequence[Outgoing]) -> Mapping[UUID, InvitationContent]:
        """What each invitation says; those of organizations that the transaction is not bound to are missing."""
        rows = await self.tx.fetch(
            """
            SELECT mail.id, i.id AS invitation_id, i.email_sealed, o.name, i.role,
                   i.state = 'pending' AND i.expires_at > kit_now() AS open,
                   inviter.id AS inviter_id, inviter.sealed AS inviter_sealed,
                   (SELECT user_id FROM identities
                    WHERE kind = 'email' AND blind = i.email_blind AND verified_at IS NOT NULL) AS user_id
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS mail (id, organization_id, invitation_id)
            JOIN invitations AS i ON i.id = mail.invitation_id AND i.organization_id = mail.organization_id
            JOIN organizations AS o ON o.id = i.organization_id
            LEFT JOIN LATERAL (
                SELECT id, sealed FROM identities WHERE user_id = i.invited_by ORDER BY id LIMIT 1
            ) AS inviter ON true
            """,
            [mail.id for mail in mails],
            [mail.organization_id for mail in mails],
            [mail.about for mail in mails],
        )
        return {
            row["id"]: InvitationContent(
                SealedAddress(row["invitation_id"], row["email_sealed"]),
                row["name"],
                None if row["inviter_id"] is None else SealedAddress(row["inviter_id"], row["inviter_sealed"]),
                row["role"],
                row["user_id"],
                open=row["open"],
            )
            for row in rows
        }


@dataclass(frozen=True, slots=True)
class NoticeRepository:
    """What people were told about the safety of their accounts."""

    tx: Transaction

    async def add(  # noqa: PLR0917 - what a notice is made of, and the limit
        self, notice_id: UUID, user_id: UUID, notice: str, cause: UUID, at_most: int, within: timedelta
    ) -> bool:
        """Note down a notice; False when its cause was told before, or this kind too often lately."""
        added = await self.tx.execute(
            """
            INSERT INTO security_notices (id, user_id, notice, cause)
            SELECT $1, $2, $3, $4
            WHERE (
                SELECT count(*) FROM security_notices
                WHERE user_id = $2 AND notice = $3 AND happened_at > kit_now() - $6::interval
            ) < $5::integer
            ON CONFLICT (user_id, notice, cause) DO NOTHING
            """,
            notice_id,
            user_id,
            notice,
            cause,
            at_most,
            within,
        )
        return added == 1

    async def recipients(self, user_id: UUID, at_most: int) -> list[Recipient]:
        """The mail addresses that a person has proven, the first one first, and their language."""
        rows = await self.tx.fetch(
            """
            SELECT i.id, u.locale
            FROM identities AS i JOIN users AS u ON u.id = i.user_id
            WHERE i.user_id = $1 AND i.kind = 'email' AND i.verified_at IS NOT NULL
            ORDER BY i.verified_at, i.id
            LIMIT $2
            """,
            user_id,
            at_most,
        )
        return [Recipient(row["id"], row["locale"]) for row in rows]

    async def of(self, user_id: UUID) -> list[Row]:
        """What one person was told."""
        return await self.tx.fetch(
            "SELECT id, notice, happened_at FROM security_notices WHERE user_id = $1 ORDER BY id", user_id
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget what one person was told."""
        return await self.tx.execute("DELETE FROM security_notices WHERE user_id = $1", user_id)

    async def purge(self, after: timedelta, at_most: int) -> int:
        """Forget what was told so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM security_notices
            WHERE id IN (SELECT id FROM security_notices WHERE happened_at < kit_now() - $1::interval LIMIT $2)
            """,
            after,
            at_most,
        )
