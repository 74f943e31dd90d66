from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.invitations.model import Invitation, InvitationState
from auth.members.permissions import Role
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class InvitationRepository:
    """Invitations of the transaction's organization; an open one whose time has passed reads as expired."""

    tx: Transaction

    async def revoke_expired(self, blind: bytes) -> tuple[UUID, int] | None:
        """Let an expired invitation of this address make room; returns its id and new version, if there was one."""
        row = await self.tx.fetchrow(
            """
            UPDATE invitations SET state = 'revoked', version = version + 1
            WHERE organization_id = $1 AND email_blind = $2 AND state = 'pending' AND expires_at <= kit_now()
            RETURNING id, version
            """,
            self.tx.organization_id,
            blind,
        )
        return None if row is None else (row["id"], row["version"])

    async def add(  # noqa: PLR0917 - what an invitation is made of
        self, invitation_id: UUID, blind: bytes, sealed: bytes, role: Role, by: UUID | None, life: timedelta
    ) -> bool:
        """Invite an address; False when it has an open invitation."""
        touched = await self.tx.execute(
            """
            INSERT INTO invitations (id, organization_id, email_blind, email_sealed, role, invited_by, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, kit_now() + $7::interval)
            ON CONFLICT (organization_id, email_blind) WHERE state = 'pending' DO NOTHING
            """,
            invitation_id,
            self.tx.organization_id,
            blind,
            sealed,
            role,
            by,
            life,
        )
        return touched == 1

    async def is_open(self, blind: bytes) -> bool:
        """Whether this address has an open invitation."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM invitations
                WHERE organization_id = $1 AND email_blind = $2 AND state = 'pending' AND expires_at > kit_now()
            )
            """,
            self.tx.organization_id,
            blind,
        )
        return found

    async def count_pending(self, at_most: int) -> int:
        """How many are open, counted no further than `at_most`."""
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM (
                SELECT FROM invitations
                WHERE organization_id = $1 AND state = 'pending' AND expires_at > kit_now()
                LIMIT $2
            ) AS open
            """,
            self.tx.organization_id,
            at_most,
        )
        return count

    async def count_mails(self, blind: bytes) -> int:
        """How many mails the invitations of this address, made within a day, have brought it."""
        count: int = await self.tx.fetchval(
            """
            SELECT coalesce(sum(mails), 0) FROM invitations
            WHERE organization_id = $1 AND email_blind = $2 AND created_at > kit_now() - interval '1 day'
            """,
            self.tx.organization_id,
            blind,
        )
        return count

    async def find(self, invitation_id: UUID) -> Invitation | None:
        """One invitation."""
        return _invitation(
            await self.tx.fetchrow(
                """
                SELECT id, email_blind, email_sealed, role, accepted_by, mails, version, expires_at, created_at,
                       CASE WHEN state = 'pending' AND expires_at <= kit_now() THEN 'expired' ELSE state END AS state
                FROM invitations
                WHERE organization_id = $1 AND id = $2
                """,
                self.tx.organization_id,
                invitation_id,
            )
        )

    async def lock(self, invitation_id: UUID) -> Invitation | None:
        """One invitation for update; other changes of it wait until we commit."""
        await self.tx.execute(
            "SELECT FROM invitations WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self.tx.organization_id,
            invitation_id,
        )
        return await self.find(invitation_id)

    async def page(self, after: UUID | None, at_most: int) -> list[Invitation]:
        """Invitations in the order of their ids."""
        rows = await self.tx.fetch(
            """
            SELECT id, email_blind, email_sealed, role, accepted_by, mails, version, expires_at, created_at,
                   CASE WHEN state = 'pending' AND expires_at <= kit_now() THEN 'expired' ELSE state END AS state
            FROM invitations
            WHERE organization_id = $1 AND id > $2
            ORDER BY id
            LIMIT $3
            """,
            self.tx.organization_id,
            after or UUID(int=0),
            at_most,
        )
        return [found for row in rows if (found := _invitation(row)) is not None]

    async def save(self, invitation: Invitation, life: timedelta | None = None) -> None:
        """Write state and mails; with `life`, it is open for so long from now."""
        await self.tx.execute(
            """
            UPDATE invitations
            SET state = $3, accepted_by = $4, mails = $5, version = $6,
                expires_at = coalesce(kit_now() + $7::interval, expires_at)
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            invitation.id,
            invitation.state,
            invitation.accepted_by,
            invitation.mails,
            invitation.version,
            life,
        )


@dataclass(frozen=True, slots=True)
class PersonsInvitations:
    """Invitations to and by one person, of all organizations that the transaction is bound to."""

    tx: Transaction

    async def to(self, user_id: UUID, after: UUID | None, at_most: int) -> list[Row]:
        """Those to an address of theirs, and those that they have accepted."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, email_sealed, role, state, mails, expires_at, created_at
            FROM invitations
            WHERE organization_id = ANY ($2) AND id > $3 AND (
                accepted_by = $1
                OR email_blind = ANY (ARRAY(
                    SELECT blind FROM identities WHERE user_id = $1 AND verified_at IS NOT NULL))
            )
            ORDER BY id
            LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or UUID(int=0),
            at_most,
        )

    async def ids_to(self, user_id: UUID) -> list[UUID]:
        """Those same, of which only ids are asked."""
        rows = await self.tx.fetch(
            """
            SELECT id FROM invitations
            WHERE organization_id = ANY ($2) AND (
                accepted_by = $1
                OR email_blind = ANY (ARRAY(
                    SELECT blind FROM identities WHERE user_id = $1 AND verified_at IS NOT NULL))
            )
            """,
            user_id,
            self.tx.organization_ids,
        )
        return [row["id"] for row in rows]

    async def by(self, user_id: UUID, after: UUID | None, at_most: int) -> list[Row]:
        """Those that they have written; to whom is not theirs to read."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, role, state, mails, expires_at, created_at
            FROM invitations
            WHERE organization_id = ANY ($2) AND id > $3 AND invited_by = $1
            ORDER BY id
            LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or UUID(int=0),
            at_most,
        )

    async def delete(self, ids: Sequence[UUID]) -> list[Row]:
        """Forget these, as they are once it is our turn."""
        return await self.tx.fetch(
            """
            DELETE FROM invitations WHERE id = ANY ($1) AND organization_id = ANY ($2)
            RETURNING id, organization_id, state, version
            """,
            ids,
            self.tx.organization_ids,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep what they have written as nobody's."""
        return await self.tx.execute(
            """
            UPDATE invitations SET invited_by = NULL
            WHERE id IN (
                SELECT id FROM invitations WHERE invited_by = $1 AND organization_id = ANY ($2) ORDER BY id LIMIT $3
                FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _invitation(row: Row | None) -> Invitation | None:
    if row is None:
        return None
    fields = dict(row)
    address = SealedAddress(row["id"], fields.pop("email_sealed"))
    return Invitation(
        **{**fields, "address": address, "role": Role(row["role"]), "state": InvitationState(row["state"])}
    )
