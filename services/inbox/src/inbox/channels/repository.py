from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.channels.errors import ChannelNotFound
from inbox.channels.model import Channel, Check, Health
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL, BEGINNING_OF_TIME

_COLUMNS: Final = """
    id, kind, phone_number_id, waba_id, display_name, display_number, rate, state, health, health_code, health_reason,
    version, created_at, silent, brake
"""


@dataclass(frozen=True, slots=True)
class ChannelRepository:
    """Channels of the transaction's organization, and the attempts to connect them."""

    tx: Transaction

    async def find(self, channel_id: UUID) -> Channel:
        """One channel.

        Raises:
            ChannelNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM channels WHERE id = $1 AND organization_id = $2",  # noqa: S608
            channel_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ChannelNotFound
        return _channel(row)

    async def silent(self, channel_ids: Collection[UUID]) -> set[UUID]:
        """Those of these channels through which nothing can be answered."""
        rows = await self.tx.fetch(
            "SELECT id FROM channels WHERE id = ANY ($1) AND organization_id = $2 AND silent",
            list(channel_ids),
            self.tx.organization_id,
        )
        return {row["id"] for row in rows}

    async def kind_of(self, channel_id: UUID) -> str | None:
        """Of which platform a channel is; None when there is none."""
        found: str | None = await self.tx.fetchval(
            "SELECT kind FROM channels WHERE id = $1 AND organization_id = $2", channel_id, self.tx.organization_id
        )
        return found

    async def of_numbers(self, phone_number_ids: Collection[str]) -> dict[tuple[str, str], UUID]:
        """The connected channels at these ends, by kind and the platform's id of the end."""
        rows = await self.tx.fetch(
            """
            SELECT kind, phone_number_id, id FROM channels
            WHERE organization_id = $1 AND phone_number_id = ANY ($2) AND state = 'connected'
            """,
            self.tx.organization_id,
            list(phone_number_ids),
        )
        return {(row["kind"], row["phone_number_id"]): row["id"] for row in rows}

    async def numbers(self, kind: str) -> list[str]:
        """The platform's ids of all ends of this kind that are or were connected."""
        rows = await self.tx.fetch(
            "SELECT phone_number_id FROM channels WHERE organization_id = $1 AND kind = $2",
            self.tx.organization_id,
            kind,
        )
        return [row["phone_number_id"] for row in rows]

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Channel]:
        """Channels, the oldest first."""
        at, channel_id = after or (BEGINNING_OF_TIME, BEFORE_ALL)
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM channels
            WHERE organization_id = $1 AND (created_at, id) > ($2, $3)
            ORDER BY created_at, id
            LIMIT $4
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            at,
            channel_id,
            limit,
        )
        return [_channel(row) for row in rows]

    async def connect(self, check: Check, token_sealed: bytes, name: str, number: str) -> Channel | None:
        """Make or renew the channel of a number whose token is good; None when another organization has it."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE channels
            SET waba_id = $3, display_name = $4, display_number = $5, token_sealed = $6, rate = $7,
                state = 'connected', health = 'ok', health_code = '', health_reason = '', health_until = NULL,
                version = version + 1, changed_at = kit_now(), connected_at = kit_now()
            WHERE organization_id = $1 AND phone_number_id = $2 AND kind = $8
              AND (state = 'connected' OR NOT EXISTS (SELECT FROM channel_organizations(ARRAY[$2], '{{}}')))
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            check.phone_number_id,
            check.waba_id,
            name,
            number,
            token_sealed,
            check.rate,
            check.kind,
        )
        return _channel(row) if row is not None else await self._add(check, token_sealed, name, number)

    async def _add(self, check: Check, token_sealed: bytes, name: str, number: str) -> Channel | None:
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO channels (
                id, organization_id, kind, phone_number_id, waba_id, display_name, display_number, token_sealed, rate
            )
            VALUES ($1, $2, $9, $3, $4, $5, $6, $7, $8)
            ON CONFLICT DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            check.channel_id,
            self.tx.organization_id,
            check.phone_number_id,
            check.waba_id,
            name,
            number,
            token_sealed,
            check.rate,
            check.kind,
        )
        return None if row is None else _channel(row)

    async def disconnect(self, channel_id: UUID) -> Channel:
        """Give a channel up and forget its token.

        Raises:
            ChannelNotFound: there is none that is connected.
        """
        row = await self.tx.fetchrow(
            f"""
            UPDATE channels
            SET state = 'disconnected', token_sealed = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'connected'
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            channel_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ChannelNotFound
        return _channel(row)

    async def suffer(self, channel_id: UUID, health: Health, code: str, reason: str) -> Channel | None:
        """Note that the platform refuses; None when that was known."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE channels
            SET health = $3, health_code = $4, health_reason = $5, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'connected' AND health <> $3
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            channel_id,
            self.tx.organization_id,
            health,
            code,
            reason,
        )
        return None if row is None else _channel(row)

    async def recover(self, channel_id: UUID, code: str) -> Channel | None:
        """The platform takes messages again that had refused them with this code; None when that was known."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE channels
            SET health = 'ok', health_code = '', health_reason = '', health_until = NULL, version = version + 1,
                changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'connected' AND health_code = $3
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            channel_id,
            self.tx.organization_id,
            code,
        )
        return None if row is None else _channel(row)

    async def begin_check(self, check: Check, token_sealed: bytes) -> None:
        """Somebody wants to connect a number."""
        await self.tx.execute(
            """
            INSERT INTO channel_checks (
                id, organization_id, phone_number_id, waba_id, rate, token_sealed, channel_id, asked_by, kind
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            check.id,
            self.tx.organization_id,
            check.phone_number_id,
            check.waba_id,
            check.rate,
            token_sealed,
            check.channel_id,
            check.asked_by,
            check.kind,
        )

    async def check(self, check_id: UUID) -> Check:
        """An attempt to connect a number.

        Raises:
            ChannelNotFound: there was none.
        """
        row = await self.tx.fetchrow(
            """
            SELECT id, kind, phone_number_id, waba_id, rate, outcome, reason, channel_id, asked_by FROM channel_checks
            WHERE id = $1 AND organization_id = $2
            """,
            check_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ChannelNotFound
        return _check(row)

    async def checks(self, check_ids: Collection[UUID]) -> list[tuple[UUID, Check, bytes]]:
        """Pending attempts with their organization and sealed token, also of several organizations at once."""
        rows = await self.tx.fetch(
            """
            SELECT id, organization_id, kind, phone_number_id, waba_id, rate, outcome, reason, channel_id, asked_by,
                   token_sealed
            FROM channel_checks
            WHERE id = ANY ($1) AND outcome = 'pending' AND token_sealed IS NOT NULL
              AND organization_id = ANY (current_setting('app.orgs')::uuid[])
            """,
            list(check_ids),
        )
        return [(row["organization_id"], _check(row), row["token_sealed"]) for row in rows]

    async def end_check(self, check_id: UUID, outcome: str, reason: str, channel_id: UUID | None) -> None:
        """Write what came of it; the token and who asked are not kept here any longer."""
        await self.tx.execute(
            """
            UPDATE channel_checks
            SET outcome = $3, reason = $4, channel_id = $5, token_sealed = NULL, asked_by = NULL
            WHERE id = $1 AND organization_id = $2
            """,
            check_id,
            self.tx.organization_id,
            outcome,
            reason,
            channel_id,
        )


async def organizations_of(
    tx: Transaction, numbers: Collection[str], accounts: Collection[str]
) -> list[tuple[str, str, UUID]]:
    """Whose numbers and business accounts these are: the sort, the platform's id, the organization."""
    rows = await tx.fetch(
        "SELECT kind, external_id, organization_id FROM channel_organizations($1, $2)", list(numbers), list(accounts)
    )
    return [(row["kind"], row["external_id"], row["organization_id"]) for row in rows]


def _channel(row: Row) -> Channel:
    return Channel(
        id=row["id"],
        kind=row["kind"],
        phone_number_id=row["phone_number_id"],
        waba_id=row["waba_id"],
        display_name=row["display_name"],
        display_number=row["display_number"],
        rate=row["rate"],
        connected=row["state"] == "connected",
        health=row["health"],
        health_code=row["health_code"],
        health_reason=row["health_reason"],
        version=row["version"],
        created_at=row["created_at"],
        silent=row["silent"],
        brake=row["brake"],
    )


def _check(row: Row) -> Check:
    return Check(
        id=row["id"],
        phone_number_id=row["phone_number_id"],
        waba_id=row["waba_id"],
        rate=row["rate"],
        channel_id=row["channel_id"],
        asked_by=row["asked_by"],
        kind=row["kind"],
        outcome=row["outcome"],
        reason=row["reason"],
    )
