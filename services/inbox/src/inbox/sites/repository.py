from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from inbox.sites.errors import SiteNotFound
from inbox.sites.model import Site
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL, BEGINNING_OF_TIME

_COLUMNS: Final = """
    s.channel_id, s.kind, s.public_key, c.display_name, s.allowed_origins, s.options, c.state, s.former_until,
    s.version, s.created_at
"""


@dataclass(frozen=True, slots=True)
class NewSite:
    """A channel on pages as it is first written."""

    channel_id: UUID
    kind: str
    key: str
    allowed_origins: Sequence[str]
    options: dict[str, object]
    secret_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SiteRepository:
    """Channels on pages of the transaction's organization."""

    tx: Transaction

    async def add(self, site: NewSite) -> None:
        """Write one."""
        await self.tx.execute(
            """
            INSERT INTO site_channels (
                channel_id, organization_id, kind, public_key, allowed_origins, options, secret_sealed
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            site.channel_id,
            self.tx.organization_id,
            site.kind,
            site.key,
            list(site.allowed_origins),
            orjson.dumps(site.options).decode(),
            site.secret_sealed,
        )

    async def find(self, channel_id: UUID, *, lock: bool = False) -> Site:
        """One by the id of its channel.

        Raises:
            SiteNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM site_channels s JOIN channels c ON c.id = s.channel_id
            WHERE s.channel_id = $1 AND s.organization_id = $2
            """  # noqa: S608 - a constant of this file
            + ("FOR UPDATE OF s" if lock else ""),
            channel_id,
            self.tx.organization_id,
        )
        if row is None:
            raise SiteNotFound
        return _site(row)

    async def by_key(self, key: str) -> Site | None:
        """The one with this public key, if it is connected."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM site_channels s JOIN channels c ON c.id = s.channel_id
            WHERE s.public_key = $1 AND s.organization_id = $2 AND c.state = 'connected'
            """,  # noqa: S608 - a constant of this file
            key,
            self.tx.organization_id,
        )
        return None if row is None else _site(row)

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Site]:
        """Those there are, the oldest first."""
        at, channel_id = after or (BEGINNING_OF_TIME, BEFORE_ALL)
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM site_channels s JOIN channels c ON c.id = s.channel_id
            WHERE s.organization_id = $1
              AND (s.created_at, s.channel_id) > ($2, $3::uuid)
            ORDER BY s.created_at, s.channel_id
            LIMIT $4
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            at,
            channel_id,
            limit,
        )
        return [_site(row) for row in rows]

    async def save(self, site: Site) -> None:
        """Write how it looks and works now; the caller has locked it."""
        await self.tx.execute(
            """
            UPDATE site_channels SET allowed_origins = $3, options = $4, version = $5, changed_at = kit_now()
            WHERE channel_id = $1 AND organization_id = $2
            """,
            site.channel_id,
            self.tx.organization_id,
            list(site.allowed_origins),
            orjson.dumps(site.options).decode(),
            site.version,
        )

    async def describe(self, channel_id: UUID, name: str, *, silent: bool) -> int:
        """Call its channel so, and say whether anything can be answered there; the channel's version."""
        version: int = await self.tx.fetchval(
            """
            UPDATE channels SET display_name = $3, silent = $4, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            RETURNING version
            """,
            channel_id,
            self.tx.organization_id,
            name,
            silent,
        )
        return version

    async def secrets(self, channel_id: UUID) -> tuple[bytes, bytes | None]:
        """The sealed secret, and the one before where that is still good."""
        row = await self.tx.fetchrow(
            """
            SELECT secret_sealed, CASE WHEN former_until > kit_now() THEN former_sealed END AS former
            FROM site_channels WHERE channel_id = $1 AND organization_id = $2
            """,
            channel_id,
            self.tx.organization_id,
        )
        if row is None:
            raise SiteNotFound
        return row["secret_sealed"], row["former"]

    async def rotate(self, channel_id: UUID, sealed: bytes, former_until: datetime) -> None:
        """Take another secret; the present one stays good for a while."""
        await self.tx.execute(
            """
            UPDATE site_channels
            SET former_sealed = secret_sealed, secret_sealed = $3, former_until = $4, version = version + 1,
                changed_at = kit_now()
            WHERE channel_id = $1 AND organization_id = $2
            """,
            channel_id,
            self.tx.organization_id,
            sealed,
            former_until,
        )


def _site(row: Row) -> Site:
    return Site(
        channel_id=row["channel_id"],
        kind=row["kind"],
        key=row["public_key"],
        name=row["display_name"],
        allowed_origins=tuple(row["allowed_origins"]),
        options=orjson.loads(row["options"]),
        connected=row["state"] == "connected",
        former_until=row["former_until"],
        version=row["version"],
        created_at=row["created_at"],
    )
