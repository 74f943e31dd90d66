from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.federation.errors import IdentityNotFound
from auth.federation.model import FLOW_LIFE, Chosen, Claimed, Flow, Identity, Known, ProviderKind, Purpose
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class FlowRepository:
    """Ways to providers and back; each step of one is taken by one caller only."""

    tx: Transaction

    async def add(self, flow: Flow) -> None:
        """Remember that somebody was sent."""
        await self.tx.execute(
            """
            INSERT INTO federation_flows
                (id, purpose, kind, provider_id, organization_id, redirect, user_id, session_id,
                 wished_organization_id, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, kit_now() + $10::interval)
            """,
            flow.id,
            flow.purpose,
            flow.chosen.kind,
            flow.chosen.provider_id,
            flow.chosen.organization_id,
            flow.redirect,
            flow.user_id,
            flow.session_id,
            flow.wished_organization_id,
            FLOW_LIFE,
        )

    async def take_back(self, flow_id: UUID, provider: str, sealed: bytes | None) -> str | None:
        """The browser is back from this very provider, with a code or (None) without; returns where it goes on.

        None when nobody is waited for: at another provider, a second time, or too late.
        """
        found: str | None = await self.tx.fetchval(
            """
            UPDATE federation_flows
            SET state = CASE WHEN $3::bytea IS NULL THEN 'over' ELSE 'returned' END, returned = $3
            WHERE id = $1 AND state = 'asked' AND expires_at > kit_now()
              AND coalesce(provider_id::text, kind) = $2
            RETURNING redirect
            """,
            flow_id,
            provider,
            sealed,
        )
        return found

    async def claim(
        self, flow_id: UUID, purpose: Purpose, user_id: UUID | None, session_id: UUID | None
    ) -> Claimed | None:
        """Take what the browser brought back, for one use; None when it is not there, or is not this person's."""
        row = await self.tx.fetchrow(
            """
            UPDATE federation_flows AS f
            SET state = 'claimed', returned = NULL
            FROM (SELECT id, returned FROM federation_flows WHERE id = $1 AND state = 'returned' FOR UPDATE) AS held
            WHERE f.id = held.id AND f.purpose = $2 AND f.expires_at > kit_now()
              AND f.user_id IS NOT DISTINCT FROM $3 AND f.session_id IS NOT DISTINCT FROM $4
            RETURNING f.id, f.purpose, f.kind, f.provider_id, f.organization_id, f.redirect, f.user_id, f.session_id,
                      f.wished_organization_id, held.returned AS sealed, kit_now() - f.created_at AS age
            """,
            flow_id,
            purpose,
            user_id,
            session_id,
        )
        return None if row is None else _claimed(row)

    async def finish(self, flow_id: UUID) -> None:
        """It led to something."""
        await self.tx.execute("UPDATE federation_flows SET state = 'over' WHERE id = $1", flow_id)

    async def of(self, user_id: UUID) -> list[Row]:
        """Those on which one person links something."""
        return await self.tx.fetch(
            "SELECT purpose, kind, state, created_at, expires_at FROM federation_flows WHERE user_id = $1", user_id
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget those of one person."""
        return await self.tx.execute("DELETE FROM federation_flows WHERE user_id = $1", user_id)

    async def purge(self, at_most: int) -> int:
        """Forget what is over."""
        return await self.tx.execute(
            """
            DELETE FROM federation_flows
            WHERE id IN (
                SELECT id FROM federation_flows WHERE expires_at < kit_now() - $2::interval
                LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            """,
            at_most,
            timedelta(minutes=10),
        )


@dataclass(frozen=True, slots=True)
class IdentityRepository:
    """Accounts at providers that belong to people here."""

    tx: Transaction

    async def known(self, blind: bytes, address_blind: bytes | None, *, lock: bool = False) -> Known:
        """What the rows say of a subject and an address; with `lock`, nobody changes that until we commit."""
        held = " FOR NO KEY UPDATE" if lock else ""
        linked = await self.tx.fetchval(
            f"SELECT user_id FROM federated_identities WHERE blind = $1{held}",  # noqa: S608 - ours
            blind,
        )
        if linked is not None or address_blind is None:
            return Known(linked, None)
        holder = await self.tx.fetchval(
            f"""
            SELECT user_id FROM identities WHERE kind = 'email' AND blind = $1 AND verified_at IS NOT NULL{held}
            """,  # noqa: S608 - ours
            address_blind,
        )
        return Known(None, holder)

    async def add(self, identity_id: UUID, user_id: UUID, chosen: Chosen, blind: bytes, sealed: bytes) -> bool:
        """Link one; False when it is linked already."""
        added = await self.tx.execute(
            """
            INSERT INTO federated_identities (id, user_id, kind, provider_id, organization_id, blind, sealed)
            SELECT $1, u.id, $3, $4, $5, $6, $7 FROM users AS u WHERE u.id = $2 FOR KEY SHARE
            ON CONFLICT (blind) DO NOTHING
            """,
            identity_id,
            user_id,
            chosen.kind,
            chosen.provider_id,
            chosen.organization_id,
            blind,
            sealed,
        )
        return added == 1

    async def use(self, blind: bytes) -> None:
        """It was used to sign in."""
        await self.tx.execute("UPDATE federated_identities SET used_at = kit_now() WHERE blind = $1", blind)

    async def of(self, user_id: UUID) -> list[Identity]:
        """Those of one person, oldest first; there are never many."""
        rows = await self.tx.fetch(
            """
            SELECT id, user_id, kind, organization_id, sealed, used_at, created_at AS linked_at
            FROM federated_identities WHERE user_id = $1 ORDER BY id LIMIT 100
            """,
            user_id,
        )
        return [_identity(row) for row in rows]

    async def lock_person(self, user_id: UUID) -> bool:
        """Let ways in of one person change one after the other; False when the account is gone."""
        found = await self.tx.fetchval("SELECT true FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
        return bool(found)

    async def remove(self, identity_id: UUID, user_id: UUID) -> bool:
        """Unlink one; False when it is not theirs."""
        removed = await self.tx.execute(
            "DELETE FROM federated_identities WHERE id = $1 AND user_id = $2", identity_id, user_id
        )
        return removed == 1

    async def delete(self, user_id: UUID) -> int:
        """Forget those of one person."""
        return await self.tx.execute("DELETE FROM federated_identities WHERE user_id = $1", user_id)

    async def find(self, blind: bytes) -> Identity:
        """One by the hash of its subject; it must be there."""
        row = await self.tx.fetchrow(
            """
            SELECT id, user_id, kind, organization_id, sealed, used_at, created_at AS linked_at
            FROM federated_identities WHERE blind = $1
            """,
            blind,
        )
        if row is None:
            raise IdentityNotFound
        return _identity(row)

    async def has_way_in(self, user_id: UUID) -> bool:
        """Whether they can sign in by themselves: with a password, a passkey or another linked account."""
        found: bool = await self.tx.fetchval(
            """
            SELECT coalesce(u.password_hash, '') <> ''
                OR EXISTS (SELECT FROM federated_identities AS f WHERE f.user_id = u.id)
                OR EXISTS (SELECT FROM passkeys AS p WHERE p.user_id = u.id)
            FROM users AS u WHERE u.id = $1
            """,
            user_id,
        )
        return found


def _claimed(row: Row) -> Claimed:
    flow = Flow(
        id=row["id"],
        purpose=Purpose(row["purpose"]),
        chosen=Chosen(ProviderKind(row["kind"]), row["provider_id"], row["organization_id"]),
        redirect=row["redirect"],
        user_id=row["user_id"],
        session_id=row["session_id"],
        wished_organization_id=row["wished_organization_id"],
    )
    return Claimed(flow, row["sealed"], row["age"])


def _identity(row: Row) -> Identity:
    return Identity(**{**row, "kind": ProviderKind(row["kind"])})
