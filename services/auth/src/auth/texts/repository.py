from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.challenges.model import Challenge
from auth.texts.model import TextLimits
from kit.db.database import Row, Transaction
from kit.ledger.model import Settled, Status

_STATUS: Final[Mapping[Status, str]] = {
    Status.PENDING: "pending",
    Status.DONE: "sent",
    Status.REFUSED: "refused",
    Status.UNKNOWN: "unknown",
    Status.UNCONFIRMED: "unconfirmed",
    Status.CANCELLED: "withdrawn",
}


@dataclass(frozen=True, slots=True)
class TextContent:
    """What a text is made of: to whom, under which form of the address, and whether somebody has it."""

    id: UUID
    challenge_id: UUID
    purpose: str
    locale: str
    taken: bool
    has_password: bool
    claimed: SealedAddress | None
    proven: SealedAddress | None
    unknowns: int


@dataclass(frozen=True, slots=True)
class TextRepository:
    """Texts on their way out."""

    tx: Transaction

    async def room(
        self, blind: bytes, network: bytes, limits: TextLimits, within: timedelta, challenge_id: UUID | None = None
    ) -> Row:
        """Whether one more may go to this number, to numbers like it, to anybody; and how old the last one is."""
        row = await self.tx.fetchrow(
            """
            SELECT (SELECT count(*) FROM outgoing_texts
                    WHERE blind = $1 AND created_at > kit_now() - $3::interval) < $4::integer AS number,
                   (SELECT count(*) FROM outgoing_texts
                    WHERE network = $2 AND created_at > kit_now() - $3::interval) < $5::integer AS network,
                   (SELECT count(*) FROM (SELECT FROM outgoing_texts WHERE created_at > kit_now() - $3::interval
                                          LIMIT $6) AS lately) < $6::integer AS all,
                   kit_now() - (SELECT max(created_at) FROM outgoing_texts WHERE challenge_id = $7) AS since
            """,
            blind,
            network,
            within,
            limits.number,
            limits.network,
            limits.all,
            challenge_id,
        )
        if row is None:
            raise LookupError("a row of counts")
        return row

    async def network_of(self, challenge_id: UUID) -> bytes | None:
        """What the texts of a challenge are counted by."""
        found: bytes | None = await self.tx.fetchval(
            "SELECT network FROM outgoing_texts WHERE challenge_id = $1 ORDER BY created_at LIMIT 1", challenge_id
        )
        return found

    async def add(self, text_id: UUID, challenge: Challenge, network: bytes) -> None:
        """Keep a text."""
        await self.tx.execute(
            "INSERT INTO outgoing_texts (id, challenge_id, about, blind, network) VALUES ($1, $2, $3, $4, $5)",
            text_id,
            challenge.id,
            challenge.identity_id,
            challenge.blind,
            network,
        )

    async def contents(self, ids: Collection[UUID]) -> list[TextContent]:
        """What these texts are made of; those whose challenge is over are missing."""
        rows = await self.tx.fetch(
            """
            SELECT t.id, t.unknowns, c.id AS challenge_id, c.purpose, c.locale, c.sealed, i.id AS identity_id,
                   i.sealed AS identity_sealed, c.password_hash <> '' AS has_password
            FROM outgoing_texts AS t
            JOIN challenges AS c ON c.id = t.challenge_id AND c.used_at IS NULL AND c.expires_at > kit_now()
            LEFT JOIN identities AS i ON i.kind = c.kind AND i.blind = c.blind AND i.verified_at IS NOT NULL
            WHERE t.id = ANY ($1)
            """,
            list(ids),
        )
        return [
            TextContent(
                id=row["id"],
                challenge_id=row["challenge_id"],
                purpose=row["purpose"],
                locale=row["locale"],
                taken=row["identity_id"] is not None,
                has_password=row["has_password"],
                claimed=None if row["sealed"] is None else SealedAddress(row["challenge_id"], row["sealed"]),
                proven=None
                if row["identity_id"] is None
                else SealedAddress(row["identity_id"], row["identity_sealed"]),
                unknowns=row["unknowns"],
            )
            for row in rows
        ]

    async def withdraw(self, ids: Collection[UUID]) -> None:
        """Let these never leave."""
        await self.tx.execute(
            "UPDATE outgoing_texts SET status = 'withdrawn', settled_at = kit_now() WHERE id = ANY ($1)", list(ids)
        )

    async def record(self, settled: Sequence[Settled]) -> None:
        """Keep what became of them."""
        await self.tx.execute(
            """
            UPDATE outgoing_texts AS t
            SET status = s.status, message_id = coalesce(s.message_id, t.message_id), code = s.code,
                unknowns = t.unknowns + (s.status = 'unknown')::integer,
                settled_at = CASE WHEN s.status IN ('pending', 'unknown') THEN NULL ELSE kit_now() END
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS s (id, status, message_id, code)
            WHERE t.id = s.id
            """,
            [each.entry.subject_id for each in settled],
            [_STATUS[each.status] for each in settled],
            [each.external_id for each in settled],
            [each.code for each in settled],
        )

    async def of(self, user_id: UUID, blinds: Collection[bytes]) -> list[Row]:
        """Those to one person: to a number of theirs, or about something of theirs."""
        return await self.tx.fetch(
            """
            SELECT id, status, message_id, code, created_at, settled_at FROM outgoing_texts
            WHERE blind = ANY ($2)
               OR about IN (SELECT i.id FROM identities AS i WHERE i.user_id = $1)
               OR challenge_id IN (SELECT c.id FROM challenges AS c WHERE c.user_id = $1)
            ORDER BY id
            """,
            user_id,
            list(blinds),
        )

    async def delete(self, ids: Collection[UUID]) -> int:
        """Forget these."""
        return await self.tx.execute("DELETE FROM outgoing_texts WHERE id = ANY ($1)", list(ids))

    async def purge(self, after: timedelta, at_most: int) -> int:
        """Forget those that were asked for so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM outgoing_texts
            WHERE id IN (SELECT id FROM outgoing_texts WHERE created_at < kit_now() - $1::interval LIMIT $2)
            """,
            after,
            at_most,
        )
