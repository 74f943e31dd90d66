from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ledger.model import Settled, Status
from kit.mail.model import Outgoing, Reason

_STATUS: Final[Mapping[Status, str]] = {
    Status.DONE: "sent",
    Status.REFUSED: "refused",
    Status.UNKNOWN: "unknown",
    Status.UNCONFIRMED: "unconfirmed",
    Status.CANCELLED: "withdrawn",
}

_TYPES: Final = (
    *("uuid", "uuid", "text", "text", "text", "uuid", "uuid", "bytea", "bytea", "bytea", "text", "text"),
    *("text", "text", "uuid", "timestamptz"),
)
"""Of the parameters of `queue_mail`."""
_ABOUT: Final = 5


@dataclass(frozen=True, slots=True)
class Queueing:
    """A mail that is to be queued, as a call in SQL with its values: so it fits into somebody else's statement."""

    values: tuple[Any, ...]

    def call(self, first: int = 1, *, about: str = "") -> str:
        """The call, true when it queued; its values are the parameters from the `first` on.

        `about` is SQL that takes the place of what the mail is about, where only the statement around it knows that.
        """
        places = [f"${first + at}::{kind}" for at, kind in enumerate(_TYPES)]
        if about:
            places[_ABOUT] = f"coalesce({about}, {places[_ABOUT]})"
        return f"queue_mail({', '.join(places)})"


@dataclass(frozen=True, slots=True)
class MailRepository:
    """Mails of the organizations that the transaction is bound to, and the platform's own."""

    tx: Transaction

    async def queue(self, queued: "Queueing") -> bool:
        """Keep a mail and have it sent; False when one with its dedupe key is there."""
        done: bool = await self.tx.fetchval(f"SELECT {queued.call()}", *queued.values)
        return done

    async def count_about(self, about: UUID, within: timedelta, category: str | None = None) -> int:
        """How many mails about this were written lately, of one category or of all."""
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM outgoing_mails
            WHERE about = $1 AND created_at > kit_now() - $2::interval AND ($3::text IS NULL OR category = $3)
            """,
            about,
            within,
            category,
        )
        return count

    async def find(self, ids: Collection[UUID]) -> list[Outgoing]:
        """These mails."""
        rows = await self.tx.fetch(
            """
            SELECT id, organization_id, category, template, locale, about, detail, address, address_hash, parameters,
                   message_id, unknowns, created_at
            FROM outgoing_mails
            WHERE id = ANY ($1)
            """,
            list(ids),
        )
        return [_outgoing(row) for row in rows]

    async def record(self, settled: Sequence[Settled]) -> None:
        """Write what became of mails; how often nobody knew is counted."""
        await self.tx.execute(
            """
            UPDATE outgoing_mails AS mail
            SET status = news.status, tries = news.tries, code = news.code,
                unknowns = mail.unknowns + (news.status = 'unknown')::int,
                settled_at = CASE WHEN news.status IN ('pending', 'unknown') THEN NULL ELSE news.at END
            FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::timestamptz[])
                AS news (id, status, tries, code, at)
            WHERE mail.id = news.id
            """,
            [each.entry.subject_id for each in settled],
            [_STATUS.get(each.status, "pending") for each in settled],
            [each.entry.attempt for each in settled],
            [each.code[:100] for each in settled],
            [each.at for each in settled],
        )

    async def keep_hashes(self, hashes: Mapping[UUID, bytes]) -> None:
        """Remember which addresses composed mails go to, as keyed hashes."""
        await self.tx.execute(
            """
            UPDATE outgoing_mails AS mail SET address_hash = found.hash
            FROM unnest($1::uuid[], $2::bytea[]) AS found (id, hash)
            WHERE mail.id = found.id AND mail.address_hash IS DISTINCT FROM found.hash
            """,
            list(hashes),
            list(hashes.values()),
        )

    async def withdraw(self, ids: Collection[UUID]) -> None:
        """Mark mails that had nothing to say any more when their turn came."""
        await self.tx.execute(
            """
            UPDATE outgoing_mails SET status = 'withdrawn', settled_at = kit_now()
            WHERE id = ANY ($1) AND status IN ('pending', 'unknown')
            """,
            list(ids),
        )

    async def page_to(
        self, hashes: Collection[bytes], about: Collection[UUID], after: UUID | None, at_most: int
    ) -> list[Row]:
        """Mails to these addresses or about these things, in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, category, template, locale, about, address_hash,
                   status, created_at, settled_at
            FROM outgoing_mails
            WHERE (address_hash = ANY ($1) OR about = ANY ($2)) AND id > $3
            ORDER BY id
            LIMIT $4
            """,
            list(hashes),
            list(about),
            after or UUID(int=0),
            at_most,
        )

    async def delete(self, ids: Collection[UUID]) -> int:
        """Forget these mails, whatever became of them."""
        return await self.tx.execute("DELETE FROM outgoing_mails WHERE id = ANY ($1)", list(ids))

    async def forget(self, older_than: timedelta, at_most: int) -> int:
        """Delete mails of all organizations that ended so long ago."""
        count: int = await self.tx.fetchval("SELECT forget_mails($1::interval, $2)", older_than, at_most)
        return count


@dataclass(frozen=True, slots=True)
class SuppressionRepository:
    """Addresses, as keyed hashes, that are not mailed."""

    tx: Transaction

    async def add(self, address_hash: bytes, reason: Reason, category: str, life: timedelta | None) -> bool:
        """Suppress; False when it was suppressed for this reason already, which is then renewed."""
        made: bool = await self.tx.fetchval(
            """
            INSERT INTO mail_suppressions (address_hash, reason, category, until)
            VALUES ($1, $2, $3, kit_now() + $4::interval)
            ON CONFLICT (address_hash, reason, category) DO UPDATE SET until = excluded.until
            RETURNING xmax = 0
            """,
            address_hash,
            reason,
            category,
            life,
        )
        return made

    async def add_bounced(self, mail_ids: Collection[UUID], life: timedelta) -> None:
        """Suppress the addresses that these mails went to."""
        await self.tx.execute(
            """
            INSERT INTO mail_suppressions (address_hash, reason, until)
            SELECT DISTINCT address_hash, 'hard-bounce', kit_now() + $2::interval
            FROM outgoing_mails WHERE id = ANY ($1) AND address_hash IS NOT NULL
            ON CONFLICT (address_hash, reason, category) DO UPDATE SET until = excluded.until
            """,
            list(mail_ids),
            life,
        )

    async def lift(self, address_hashes: Collection[bytes], reason: Reason, category: str = "") -> int:
        """Take a suppression off."""
        return await self.tx.execute(
            "DELETE FROM mail_suppressions WHERE address_hash = ANY ($1) AND reason = $2 AND category = $3",
            list(address_hashes),
            reason,
            category,
        )

    async def all(self, address_hashes: Collection[bytes]) -> list[Row]:
        """Why these addresses are, or were, not mailed."""
        return await self.tx.fetch(
            """
            SELECT address_hash, reason, category, until, created_at FROM mail_suppressions
            WHERE address_hash = ANY ($1)
            ORDER BY created_at, address_hash, reason, category
            """,
            list(address_hashes),
        )

    async def reasons(self, address_hashes: Collection[bytes]) -> dict[bytes, set[tuple[Reason, str]]]:
        """Why these addresses are not mailed now: reason and category by hash."""
        rows = await self.tx.fetch(
            """
            SELECT address_hash, reason, category FROM mail_suppressions
            WHERE address_hash = ANY ($1) AND (until IS NULL OR until > kit_now())
            """,
            list(address_hashes),
        )
        found: dict[bytes, set[tuple[Reason, str]]] = {}
        for row in rows:
            found.setdefault(row["address_hash"], set()).add((Reason(row["reason"]), row["category"]))
        return found


def _outgoing(row: Row) -> Outgoing:
    return Outgoing(**row)
