from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL
from publisher.posts.content import Content
from publisher.posts.errors import PostNotFound
from publisher.posts.model import Post, PostStatus
from publisher.posts.when import WallClock, When

_COLUMNS = """
    id, organization_id, text, status, publish_at, local_time, zone, fold, created_by, version, created_at,
    changed_at, content, queue_id
"""
_OF_POSTS = ", ".join(f"posts.{column.strip()}" for column in _COLUMNS.split(","))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which posts a list shows."""

    status: PostStatus | None = None
    account_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PostRepository:
    """The posts of the transaction's organization."""

    tx: Transaction

    async def add(self, post: Post) -> Post:
        """Add a post."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO posts
                (id, organization_id, text, status, publish_at, local_time, zone, fold, created_by, content, queue_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            post.id,
            self.tx.organization_id,
            post.text,
            post.status,
            *_time(post.when),
            post.created_by,
            post.content.stored(),
            post.queue_id,
        )
        return _post(row)

    async def find(self, post_id: UUID) -> Post:
        """Read the post."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM posts WHERE id = $1 AND organization_id = $2",  # noqa: S608 - a constant
            post_id,
            self.tx.organization_id,
        )
        return _post(row)

    async def among(self, post_ids: Collection[UUID]) -> list[Post]:
        """Those of these posts that there are, in the order of their ids."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM posts"  # noqa: S608 - a constant
            " WHERE id = ANY ($1) AND organization_id = $2 ORDER BY id",
            list(post_ids),
            self.tx.organization_id,
        )
        return [_post(row) for row in rows]

    async def lock(self, post_id: UUID) -> Post:
        """Read the post for update; other writers of it wait until we commit.

        Lock what the ledger has of it first: that is the order in which outcomes are recorded.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM posts WHERE id = $1 AND organization_id = $2 FOR UPDATE",  # noqa: S608
            post_id,
            self.tx.organization_id,
        )
        return _post(row)

    async def save(self, post: Post) -> Post:
        """Write text, time and status; the version rises."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE posts
            SET text = $3, status = $4, publish_at = $5, local_time = $6, zone = $7, fold = $8, content = $9,
                queue_id = $10, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            post.id,
            self.tx.organization_id,
            post.text,
            post.status,
            *_time(post.when),
            post.content.stored(),
            post.queue_id,
        )
        return _post(row)

    async def move(self, times: Mapping[UUID, When]) -> list[Post]:
        """Let these posts that are scheduled leave then; those that were, with their new versions."""
        rows = await self.tx.fetch(
            f"""
            WITH moved AS (
                UPDATE posts AS post SET publish_at = t.at, local_time = t.local, zone = t.zone, fold = t.fold,
                    version = post.version + 1, changed_at = kit_now()
                FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamp[], $5::text[], $6::smallint[])
                    AS t (id, at, local, zone, fold)
                WHERE post.id = t.id AND post.organization_id = $1 AND post.status = 'scheduled'
                RETURNING post.*
            )
            SELECT {_COLUMNS} FROM moved ORDER BY id
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            list(times),
            *(list(column) for column in zip(*map(_time, times.values()), strict=True)),
        )
        return [_post(row) for row in rows]

    async def remove(self, post_id: UUID) -> None:
        """Delete a draft, with its deliveries."""
        await self.tx.execute(
            "DELETE FROM posts WHERE id = $1 AND organization_id = $2 AND status = 'draft'",
            post_id,
            self.tx.organization_id,
        )

    async def page(self, wanted: Wanted, after: UUID | None, limit: int) -> list[Post]:
        """The newest posts first.

        Each wish is in the statement only where there is one, so that a plan that is kept begins at the place in an
        index where the page does, and not before everything that is newer.
        """
        given = {
            "posts.id < ": after,
            "posts.status = ": wanted.status,
            "posts.publish_at >= ": wanted.since,
            "posts.publish_at < ": wanted.until,
            "one.account_id = ": wanted.account_id,
        }
        wishes = {condition: value for condition, value in given.items() if value is not None}
        where = "".join(f" AND {condition}${place}" for place, condition in enumerate(wishes, 3))
        found, order = "posts", "posts.id"
        if wanted.account_id is not None:
            found, order = "deliveries AS one JOIN posts ON posts.id = one.post_id", "one.post_id"
            where = where.replace("posts.id <", "one.post_id <") + " AND one.organization_id = $1"
        rows = await self.tx.fetch(
            f"""
            SELECT {_OF_POSTS} FROM {found} WHERE posts.organization_id = $1{where} ORDER BY {order} DESC LIMIT $2
            """,  # noqa: S608 - constants; what is wished for travels as parameters
            self.tx.organization_id,
            limit,
            *wishes.values(),
        )
        return [_post(row) for row in rows]


@dataclass(frozen=True, slots=True)
class PersonsPosts:
    """What one user wrote, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Posts in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, text, content, status, publish_at, local_time, zone, created_at, changed_at
            FROM posts
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many of them as nobody's; how many. The version rises, since it is shown who wrote a post."""
        return await self.tx.execute(
            """
            UPDATE posts SET created_by = NULL, version = version + 1, changed_at = kit_now()
            WHERE id IN (
                SELECT id FROM posts WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _time(when: When | None) -> tuple[datetime | None, datetime | None, str | None, int | None]:
    if when is None:
        return None, None, None, None
    if when.wall_clock is None:
        return when.at, None, None, None
    return when.at, when.wall_clock.local, when.wall_clock.zone, when.wall_clock.fold


def _post(row: Row | None) -> Post:
    if row is None:
        raise PostNotFound
    return Post(
        id=row["id"],
        organization_id=row["organization_id"],
        text=row["text"],
        status=PostStatus(row["status"]),
        when=_when(row),
        created_by=row["created_by"],
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        content=Content.read(row["content"]),
        queue_id=row["queue_id"],
    )


def _when(row: Row) -> When | None:
    if row["publish_at"] is None:
        return None
    wall = None if row["zone"] is None else WallClock(row["local_time"], row["zone"], row["fold"] or 0)
    return When(row["publish_at"], wall)
