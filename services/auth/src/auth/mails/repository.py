from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import SealedAddress
from kit.db.database import Transaction
from kit.mail import Outgoing


@dataclass(frozen=True, slots=True)
class AddressContent:
    """What mails about an address are made of."""

    to: SealedAddress
    verified: bool


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
class ContentRepository:
    """What mails are about, read when they leave."""

    tx: Transaction

    async def addresses(self, mails: Sequence[Outgoing]) -> Mapping[UUID, AddressContent]:
        """The address of each mail; none when the proof the mail is about has ended."""
        rows = await self.tx.fetch(
            """
            SELECT mail.id, i.id AS identity_id, i.sealed, i.verified_at IS NOT NULL AS verified
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS mail (id, identity_id, verification_id)
            JOIN identities AS i ON i.id = mail.identity_id
            WHERE mail.verification_id IS NULL OR EXISTS (
                SELECT FROM verifications AS v WHERE v.id = mail.verification_id AND v.expires_at > kit_now()
            )
            """,
            [mail.id for mail in mails],
            [mail.about for mail in mails],
            [mail.detail for mail in mails],
        )
        return {
            row["id"]: AddressContent(SealedAddress(row["identity_id"], row["sealed"]), row["verified"])
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
