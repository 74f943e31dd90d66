from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.directory.model import Found, FoundOrganization, KnownAddress, OrganizationPage, Sight, Wanted
from kit.db.database import Row, Transaction

_USER: Final = "u.id, u.created_at, u.verified_at, u.suspended_at"
_NEWEST: Final = UUID(int=2**128 - 1)
_OWNERS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class DirectoryRepository:
    """Users of all organizations, for staff; in one organization only when the transaction is bound to it."""

    tx: Transaction

    async def page(
        self, wanted: Wanted, user_id: UUID | None, before: tuple[datetime, UUID] | None, at_most: int
    ) -> list[Found]:
        """The newest first, at most so many; `user_id` when it is known whose address is looked for."""
        given: list[Any] = []
        conditions = ["true"]

        def add(condition: str, *values: Any) -> None:
            given.extend(values)
            first = len(given) - len(values) + 1
            conditions.append(condition.format(*(f"${first + number}" for number in range(len(values)))))

        if user_id is not None:
            add("u.id = {}", user_id)
        if wanted.organization_id is not None:
            add("u.id IN (SELECT m.user_id FROM members AS m WHERE m.organization_id = {})", wanted.organization_id)
        if wanted.created_after is not None:
            add("u.created_at > {}", wanted.created_after)
        if wanted.suspended is not None:
            add(f"u.suspended_at IS {'NOT ' if wanted.suspended else ''}NULL")
        if before is not None:
            add("(u.created_at, u.id) < ({}, {})", *before)
        given.append(at_most)
        rows = await self.tx.fetch(
            f"""
            SELECT {_USER} FROM users AS u WHERE {" AND ".join(conditions)}
            ORDER BY u.created_at DESC, u.id DESC LIMIT ${len(given)}
            """,  # noqa: S608 - our own conditions, values travel as parameters
            *given,
        )
        return [Found(**row) for row in rows]

    async def owner_of(self, kind: str, blind: bytes) -> UUID | None:
        """Whose address this is."""
        found: UUID | None = await self.tx.fetchval(
            "SELECT user_id FROM identities WHERE kind = $1 AND blind = $2", kind, blind
        )
        return found

    async def find(self, user_id: UUID) -> Found | None:
        """One user."""
        row = await self.tx.fetchrow(f"SELECT {_USER} FROM users AS u WHERE u.id = $1", user_id)  # noqa: S608 - ours
        return None if row is None else Found(**row)

    async def locale(self, user_id: UUID) -> str:
        """In which language a user is written to."""
        locale: str = await self.tx.fetchval("SELECT locale FROM users WHERE id = $1", user_id)
        return locale

    async def addresses(self, user_ids: list[UUID]) -> list[KnownAddress]:
        """All addresses of these, the proven ones first."""
        rows = await self.tx.fetch(
            """
            SELECT user_id, kind, id, sealed, verified_at IS NOT NULL AS verified FROM identities
            WHERE user_id = ANY ($1)
            ORDER BY user_id, verified_at NULLS LAST, id
            """,
            user_ids,
        )
        return [
            KnownAddress(row["user_id"], row["kind"], SealedAddress(row["id"], row["sealed"]), row["verified"])
            for row in rows
        ]

    async def sight(self, user_id: UUID) -> Sight:
        """How many sessions go on, and when one was last used."""
        row = await self.tx.fetchrow(
            """
            SELECT count(*) FILTER (
                       WHERE s.ended_at IS NULL AND s.expires_at > kit_now() AND s.epoch >= u.sessions_from_epoch
                   ) AS sessions, max(s.used_at) AS last_seen_at
            FROM users AS u LEFT JOIN sessions AS s ON s.user_id = u.id
            WHERE u.id = $1
            """,
            user_id,
        )
        return Sight(row["sessions"], row["last_seen_at"]) if row else Sight(0, None)

    async def organizations(
        self, *, only_suspended: bool, before: UUID | None, at_most: int
    ) -> list[FoundOrganization]:
        """Organizations of whatever tenant, the newest first."""
        rows = await self.tx.fetch(
            "SELECT * FROM organizations_for_staff($1, $2, $3)", before or _NEWEST, only_suspended, at_most
        )
        return [FoundOrganization(**row) for row in rows]

    async def named(self, prefix: str, at_most: int) -> list[FoundOrganization]:
        """Organizations whose name begins so, by their names."""
        rows = await self.tx.fetch("SELECT * FROM organizations_named($1, $2)", prefix, at_most)
        return [FoundOrganization(**row) for row in rows]

    async def organization(self) -> OrganizationPage | None:
        """The transaction's organization."""
        row = await self.tx.fetchrow(
            "SELECT id, name, version, created_at, suspended_at FROM organizations WHERE id = $1",
            self.tx.organization_id,
        )
        if row is None:
            return None
        members = await self.tx.fetchval(
            "SELECT count(*) FROM members WHERE organization_id = $1", self.tx.organization_id
        )
        owners = await self.tx.fetch(
            "SELECT user_id FROM members WHERE organization_id = $1 AND role = 'owner' ORDER BY id LIMIT $2",
            self.tx.organization_id,
            _OWNERS_SHOWN,
        )
        return OrganizationPage(FoundOrganization(**row), members, [_user(each) for each in owners])


def _user(row: Row) -> UUID:
    user_id: UUID = row["user_id"]
    return user_id
