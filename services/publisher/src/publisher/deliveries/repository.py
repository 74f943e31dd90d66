"""Deliveries, and the posts' own status, which follows them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL
from postrules.limits import Platform
from publisher.deliveries.model import Delivery
from publisher.posts.model import PostStatus

_COLUMNS = """
    id, post_id, account_id, platform, text, content, status, external_id, url, reason, code, published_at,
    resolved_by, version
"""


@dataclass(frozen=True, slots=True)
class DeliveryRepository:
    """The deliveries of the transaction's organization, or organizations."""

    tx: Transaction

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries of one post."""
        await self.tx.execute(
            """
            INSERT INTO deliveries (id, organization_id, post_id, account_id, platform, text, status, content)
            SELECT t.id, $1, t.post_id, t.account_id, t.platform, t.text, t.status, t.content
            FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
                AS t (id, post_id, account_id, platform, text, status, content)
            """,
            self.tx.organization_id,
            [each.id for each in deliveries],
            [each.post_id for each in deliveries],
            [each.account_id for each in deliveries],
            [each.platform for each in deliveries],
            [each.text for each in deliveries],
            [each.status for each in deliveries],
            [each.different for each in deliveries],
        )

    async def of_posts(self, post_ids: Collection[UUID]) -> dict[UUID, list[Delivery]]:
        """The deliveries of these posts, by post, in the order they were made."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM deliveries"  # noqa: S608 - a constant
            " WHERE organization_id = $1 AND post_id = ANY ($2) ORDER BY id",
            self.tx.organization_id,
            list(post_ids),
        )
        found: dict[UUID, list[Delivery]] = {}
        for row in rows:
            found.setdefault(row["post_id"], []).append(_delivery(row))
        return found

    async def remove(self, delivery_ids: Collection[UUID]) -> None:
        """Remove deliveries that have not left and never will."""
        await self.tx.execute(
            """
            DELETE FROM deliveries
            WHERE organization_id = $1 AND id = ANY ($2) AND status IN ('draft', 'scheduled', 'cancelled')
            """,
            self.tx.organization_id,
            list(delivery_ids),
        )

    async def set_variant(self, delivery_id: UUID, text: str | None, different: Mapping[str, Any] | None) -> None:
        """Say this there instead of the post's own text, and let these fields of its content be others."""
        await self.tx.execute(
            """
            UPDATE deliveries SET text = $3, content = $4, version = version + 1, changed_at = kit_now()
            WHERE organization_id = $1 AND id = $2
              AND (text IS DISTINCT FROM $3 OR content IS DISTINCT FROM $4::jsonb)
            """,
            self.tx.organization_id,
            delivery_id,
            text,
            different,
        )

    async def set_status(self, delivery_ids: Collection[UUID], status: PostStatus) -> None:
        """Scheduled or cancelled, as a person wants it."""
        await self.tx.execute(
            """
            UPDATE deliveries SET status = $3, version = version + 1, changed_at = kit_now()
            WHERE organization_id = $1 AND id = ANY ($2) AND status IN ('draft', 'scheduled')
            """,
            self.tx.organization_id,
            list(delivery_ids),
            status,
        )

    async def resolved(self, delivery_id: UUID, by: UUID) -> None:
        """Remember who decides on it; before the decision, for what is published does not change."""
        await self.tx.execute(
            "UPDATE deliveries SET resolved_by = $3 WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            delivery_id,
            by,
        )

    async def is_live(self, account_id: UUID, external_id: str) -> bool:
        """Whether one of the deliveries to this account is known to be this post there."""
        found: bool = await self.tx.fetchval(
            "SELECT EXISTS (SELECT FROM deliveries WHERE account_id = $1 AND external_id = $2)",
            account_id,
            external_id,
        )
        return found

    async def count_waiting(self, organization_id: UUID, account_id: UUID) -> int:
        """How many deliveries to this account have not left."""
        waiting: int = await self.tx.fetchval(
            "SELECT count(*) FROM deliveries WHERE organization_id = $1 AND account_id = $2 AND status = 'scheduled'",
            organization_id,
            account_id,
        )
        return waiting

    async def outgoing(self, delivery_ids: Collection[UUID]) -> list[Row]:
        """What is needed to publish these, or to look for them, of all organizations of the transaction."""
        return await self.tx.fetch(
            """
            SELECT one.id, one.platform, one.account_id, account.external_sealed AS author, account.access_token,
                   coalesce(one.text, post.text) AS text, post.content || coalesce(one.content, '{}') AS content,
                   one.first_called_at,
                   ARRAY(SELECT known.external_id FROM deliveries AS other,
                         LATERAL (SELECT other.external_id UNION ALL
                                  SELECT step.external_id FROM delivery_steps AS step
                                  WHERE step.delivery_id = other.id) AS known
                         WHERE other.account_id = one.account_id AND known.external_id IS NOT NULL
                           AND other.published_at > coalesce(one.first_called_at, kit_now()) - interval '1 day'
                   ) AS taken,
                   EXISTS (SELECT FROM deliveries AS other JOIN posts AS said ON said.id = other.post_id
                           WHERE other.account_id = one.account_id AND other.status = 'checking' AND other.id < one.id
                             AND coalesce(other.text, said.text) = coalesce(one.text, post.text)) AS behind
            FROM deliveries AS one
            JOIN posts AS post ON post.id = one.post_id
            JOIN connected_accounts AS account ON account.id = one.account_id
            WHERE one.id = ANY ($1) AND one.status IN ('scheduled', 'checking', 'failed', 'unconfirmed')
            """,
            list(delivery_ids),
        )

    async def accounts_of(self, delivery_ids: Collection[UUID]) -> dict[UUID, Row]:
        """Whose these are and to which account they go, by delivery."""
        rows = await self.tx.fetch(
            "SELECT id, organization_id, account_id, platform FROM deliveries WHERE id = ANY ($1)", list(delivery_ids)
        )
        return {row["id"]: row for row in rows}

    async def carry(self, changes: Sequence[tuple[Any, ...]]) -> list[Row]:
        """Carry outcomes: (id, status, external id, url, reason, code, at, called at).

        What is published stays, and so does what a person has cancelled, whoever wants it tried again.
        """
        return await self.tx.fetch(
            """
            UPDATE deliveries AS one
            SET status = t.status, external_id = coalesce(t.external_id, one.external_id),
                url = coalesce(t.url, one.url), reason = t.reason, code = t.code,
                published_at = CASE WHEN t.status = 'published' THEN t.at END,
                first_called_at = CASE WHEN t.status = 'checking' THEN least(one.first_called_at, t.called_at)
                                       ELSE one.first_called_at END,
                version = one.version + 1, changed_at = kit_now()
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                        $8::timestamptz[]) AS t (id, status, external_id, url, reason, code, at, called_at)
            WHERE one.id = t.id AND one.status NOT IN ('published', 'cancelled')
            RETURNING one.id, one.organization_id, one.post_id, one.account_id, one.platform, one.status,
                      one.external_id, one.code, one.published_at, one.version
            """,
            *(list(column) for column in zip(*changes, strict=True)),
        )

    async def summarize(self, post_ids: Collection[UUID]) -> dict[UUID, list[str]]:
        """Let the posts' status follow their deliveries': what asks for attention or is still to come is first.

        Returns which statuses each post's deliveries have.
        """
        rows = await self.tx.fetch(
            """
            UPDATE posts SET version = version + 1, changed_at = kit_now(), status = CASE
                WHEN found.statuses @> '{unconfirmed}' THEN 'unconfirmed'
                WHEN found.statuses @> '{checking}' THEN 'checking'
                WHEN found.statuses @> '{processing}' THEN 'processing'
                WHEN found.statuses @> '{scheduled}' THEN 'scheduled'
                WHEN found.statuses @> '{failed}' THEN 'failed'
                WHEN found.statuses @> '{published}' THEN 'published'
                WHEN found.statuses @> '{cancelled}' THEN 'cancelled'
                ELSE 'draft' END
            FROM (SELECT post_id, array_agg(DISTINCT status) AS statuses FROM deliveries
                  WHERE post_id = ANY ($1) GROUP BY post_id) AS found
            WHERE posts.id = found.post_id
            RETURNING posts.id, found.statuses
            """,
            sorted(post_ids),
        )
        return {row["id"]: row["statuses"] for row in rows}


@dataclass(frozen=True, slots=True)
class PersonsDeliveries:
    """What leads to one user, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def of_posts_by(self, user_id: UUID, after: tuple[UUID, UUID] | None, limit: int) -> list[Row]:
        """Deliveries of what they wrote, after this (post, delivery)."""
        return await self.tx.fetch(
            """
            SELECT one.id, one.organization_id, one.post_id, one.account_id, one.platform, one.text, one.content,
                   one.status, one.external_id, one.url, one.reason, one.published_at, one.changed_at,
                   coalesce(one.resolved_by = $1, false) AS resolved_by_them
            FROM posts AS post JOIN deliveries AS one ON one.post_id = post.id
            WHERE post.created_by = $1 AND post.organization_id = ANY ($2)
              AND post.id >= $3 AND (post.id, one.id) > ($3, $4::uuid)
            ORDER BY post.id, one.id LIMIT $5
            """,
            user_id,
            self.tx.organization_ids,
            *(after or (BEFORE_ALL, BEFORE_ALL)),
            limit,
        )

    async def resolved_for_others(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Deliveries of what others wrote, on which they decided."""
        return await self.tx.fetch(
            """
            SELECT one.id, one.organization_id, one.post_id, one.account_id, one.platform, one.status,
                   one.changed_at, true AS resolved_by_them
            FROM deliveries AS one JOIN posts AS post ON post.id = one.post_id
            WHERE one.resolved_by = $1 AND one.organization_id = ANY ($2) AND one.id > $3
              AND post.created_by IS DISTINCT FROM $1
            ORDER BY one.id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many decisions as nobody's; how many. The versions rise, since it is shown who decided."""
        unlinked: int = await self.tx.fetchval(
            """
            WITH chosen AS MATERIALIZED (
                SELECT id FROM deliveries WHERE resolved_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            ), unlinked AS (
                UPDATE deliveries AS one SET resolved_by = NULL, version = one.version + 1, changed_at = kit_now()
                FROM chosen WHERE one.id = chosen.id
                RETURNING one.post_id
            ), shown AS (
                UPDATE posts SET version = version + 1, changed_at = kit_now()
                WHERE id IN (SELECT post_id FROM unlinked)
            )
            SELECT count(*) FROM unlinked
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )
        return unlinked


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=row["id"],
        post_id=row["post_id"],
        account_id=row["account_id"],
        platform=Platform(row["platform"]),
        text=row["text"],
        different=row["content"],
        status=PostStatus(row["status"]),
        external_id=row["external_id"],
        url=row["url"],
        reason=row["reason"],
        code=row["code"],
        published_at=row["published_at"],
        resolved_by=row["resolved_by"],
        version=row["version"],
    )
