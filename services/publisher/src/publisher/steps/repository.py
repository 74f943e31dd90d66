"""The rows of what comes after the first call of a delivery."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from kit.db.database import Database, Row, Transaction
from kit.ids import BEFORE_ALL
from kit.ledger.sweeping import KEEP
from publisher.deliveries.model import SHOWN, Step, What
from publisher.posts.model import PostStatus

_COLUMNS = "id, delivery_id, what, part, status, external_id, url, reason, code"
MOST_TRIED: Final = 100
"""Of how many steps of a delivery it is shown what was tried: a film of many pieces has more."""


SWEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be added. `began_at` is when processing began, for what goes on with it; None means now."""

    id: UUID
    organization_id: UUID
    delivery_id: UUID
    what: What
    part: int = 0
    handle: bytes | None = None
    began_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepRepository:
    """The steps of the transaction's organization, or organizations."""

    tx: Transaction

    async def add(self, steps: Sequence[NewStep]) -> set[UUID]:
        """Add them; a part, comment or removal that is there already stays as it is. Returns what was added."""
        if not steps:
            return set()
        rows = await self.tx.fetch(
            """
            INSERT INTO delivery_steps (id, organization_id, delivery_id, what, part, handle, began_at)
            SELECT t.id, t.organization_id, t.delivery_id, t.what, t.part, t.handle, coalesce(t.began_at, kit_now())
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::smallint[], $6::bytea[],
                        $7::timestamptz[]) AS t (id, organization_id, delivery_id, what, part, handle, began_at)
            ON CONFLICT DO NOTHING
            RETURNING id
            """,
            [each.id for each in steps],
            [each.organization_id for each in steps],
            [each.delivery_id for each in steps],
            [each.what for each in steps],
            [each.part for each in steps],
            [each.handle for each in steps],
            [each.began_at for each in steps],
        )
        return {row["id"] for row in rows}

    async def shown(self, delivery_ids: Collection[UUID]) -> dict[UUID, list[Step]]:
        """What people see of these deliveries, by delivery: parts, first comment, cover, removal."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM delivery_steps"  # noqa: S608 - a constant
            " WHERE delivery_id = ANY ($1) AND what = ANY ($2) ORDER BY delivery_id, part, what",
            list(delivery_ids),
            list(SHOWN),
        )
        found: dict[UUID, list[Step]] = {}
        for row in rows:
            found.setdefault(row["delivery_id"], []).append(_step(row))
        return found

    async def under_way(self, delivery_ids: Collection[UUID]) -> list[Step]:
        """What the platform works on, or has perhaps made public, of the posts themselves."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM delivery_steps"  # noqa: S608 - a constant
            " WHERE delivery_id = ANY ($1) AND part = 0 AND what IN ('processing', 'finalize') AND status <> 'ended'",
            list(delivery_ids),
        )
        return [_step(row) for row in rows]

    async def known(self, delivery_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, What, int]]:
        """The newest steps of each, also those that have ended, as (delivery, what, part)."""
        rows = await self.tx.fetch(
            """
            SELECT step.id, step.delivery_id, step.what, step.part
            FROM unnest($1::uuid[]) AS one (id), LATERAL (
                SELECT id, delivery_id, what, part FROM delivery_steps
                WHERE delivery_id = one.id ORDER BY id DESC LIMIT $2
            ) AS step
            """,
            list(delivery_ids),
            MOST_TRIED,
        )
        return {row["id"]: (row["delivery_id"], What(row["what"]), row["part"]) for row in rows}

    async def outgoing(self, step_ids: Collection[UUID]) -> list[Row]:
        """What is needed to make these steps, or to look for them, of all organizations of the transaction."""
        return await self.tx.fetch(
            """
            SELECT step.id AS step_id, step.what, step.part, step.handle, step.began_at, step.first_called_at,
                   one.id, one.platform, one.account_id, account.external_sealed AS author, account.access_token,
                   coalesce(one.text, post.text) AS text, post.content || coalesce(one.content, '{}') AS content,
                   one.external_id AS root,
                   CASE WHEN step.part = 1 THEN one.external_id ELSE (
                       SELECT before.external_id FROM delivery_steps AS before
                       WHERE before.delivery_id = one.id AND before.what = 'part' AND before.part = step.part - 1
                   ) END AS before,
                   ARRAY(SELECT known.external_id FROM deliveries AS other,
                         LATERAL (SELECT other.external_id UNION ALL
                                  SELECT beside.external_id FROM delivery_steps AS beside
                                  WHERE beside.delivery_id = other.id) AS known
                         WHERE other.account_id = one.account_id AND known.external_id IS NOT NULL
                           AND other.published_at > step.began_at - interval '1 day') AS taken,
                   false AS behind
            FROM delivery_steps AS step
            JOIN deliveries AS one ON one.id = step.delivery_id
            JOIN posts AS post ON post.id = one.post_id
            JOIN connected_accounts AS account ON account.id = one.account_id
            WHERE step.id = ANY ($1) AND step.status NOT IN ('published', 'cancelled', 'ended')
            """,
            list(step_ids),
        )

    async def about(self, step_ids: Collection[UUID]) -> list[Row]:
        """Which item of which delivery these steps are about, for update."""
        return await self.tx.fetch(
            """
            SELECT step.id, step.organization_id, step.delivery_id, step.what, step.part, step.began_at,
                   one.account_id, one.platform
            FROM delivery_steps AS step JOIN deliveries AS one ON one.id = step.delivery_id
            WHERE step.id = ANY ($1) ORDER BY step.id FOR UPDATE OF step
            """,
            list(step_ids),
        )

    async def called(self, called_at: Mapping[UUID, datetime]) -> None:
        """These may have happened: from now on a further attempt is one again."""
        await self.tx.execute(
            """
            UPDATE delivery_steps AS step SET first_called_at = least(step.first_called_at, t.at)
            FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, at) WHERE step.id = t.id
            """,
            list(called_at),
            list(called_at.values()),
        )

    async def end(self, step_ids: Collection[UUID]) -> None:
        """Waits and next steps have ended: what came of them stands in what they were about."""
        await self.tx.execute(
            """
            UPDATE delivery_steps SET status = 'ended', handle = NULL, changed_at = kit_now()
            WHERE id = ANY ($1) AND what IN ('processing', 'finalize')
            """,
            list(step_ids),
        )

    async def carry(self, changes: Sequence[tuple[Any, ...]]) -> list[Row]:
        """Carry outcomes of parts, comments and removals.

        As (delivery, what, part, status, external id, url, reason, code).
        """
        return await self.tx.fetch(
            """
            UPDATE delivery_steps AS step
            SET status = t.status, external_id = coalesce(t.external_id, step.external_id),
                url = coalesce(t.url, step.url), reason = t.reason, code = t.code, changed_at = kit_now()
            FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::text[],
                        $8::text[]) AS t (delivery_id, what, part, status, external_id, url, reason, code)
            WHERE step.delivery_id = t.delivery_id AND step.what = t.what AND step.part = t.part
              AND step.status NOT IN ('published', 'cancelled')
            RETURNING step.delivery_id AS id, step.what, step.part, step.status, step.code
            """,
            *(list(column) for column in zip(*changes, strict=True)),
        )

    async def following(self, delivery_ids: Collection[UUID]) -> list[Row]:
        """What is to follow these deliveries once they are live."""
        return await self.tx.fetch(
            """
            SELECT one.id, one.organization_id, one.platform, one.account_id,
                   found.content->>'first_comment' AS comment, found.content->>'cover' AS cover,
                   coalesce(jsonb_array_length(found.content->'parts'), 0) AS parts
            FROM deliveries AS one JOIN posts AS post ON post.id = one.post_id,
                 LATERAL (SELECT post.content || coalesce(one.content, '{}') AS content) AS found
            WHERE one.id = ANY ($1)
            """,
            list(delivery_ids),
        )

    async def of_persons_posts(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Steps of what one user wrote, in all organizations of the transaction, for whom they are about."""
        return await self.tx.fetch(
            """
            SELECT step.id, step.organization_id, step.delivery_id, step.what, step.part, step.status,
                   step.external_id, step.url, step.reason, step.changed_at
            FROM delivery_steps AS step
            JOIN deliveries AS one ON one.id = step.delivery_id JOIN posts AS post ON post.id = one.post_id
            WHERE post.created_by = $1 AND post.organization_id = ANY ($2) AND step.id > $3
            ORDER BY step.id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )


@dataclass(frozen=True, slots=True)
class StepSweeper:
    """Forgets steps that have ended once the ledger has forgotten what was tried of them."""

    database: Database

    async def sweep(self) -> bool:
        """Forget a batch; True when there may be more."""
        (row,) = await self.database.statement("SELECT forget_ended_steps($1, $2) AS gone", KEEP, SWEPT)
        return bool(row["gone"] >= SWEPT)


def _step(row: Row) -> Step:
    return Step(
        id=row["id"],
        delivery_id=row["delivery_id"],
        what=What(row["what"]),
        part=row["part"],
        status=PostStatus(row["status"]),
        external_id=row["external_id"],
        url=row["url"],
        stored_reason=row["reason"],
        stored_code=row["code"],
    )
