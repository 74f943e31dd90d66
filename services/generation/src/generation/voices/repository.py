from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from generation.voices.errors import VoiceNotFound
from generation.voices.model import MOST_VOICES, Sample, SampleState, Source, Voice, VoiceState, VoiceVersion
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL

_VOICE: Final = "id, organization_id, name_sealed, is_default, latest, current, version, created_at, changed_at"
_VERSION: Final = """
    id, organization_id, voice_id, number, created_by, state, reason, rules_sealed, profile_sealed, samples, words,
    created_at, ended_at
"""
_SAMPLE: Final = """
    id, organization_id, voice_id, source, state, reason, origin_sealed, text_sealed, since_version
"""


@dataclass(frozen=True, slots=True)
class NewSample:
    """A sample that is to be kept."""

    id: UUID
    source: Source
    origin_sealed: bytes
    text_sealed: bytes | None


@dataclass(frozen=True, slots=True)
class VoiceRepository:
    """Voices of the transaction's organization."""

    tx: Transaction

    async def add(self, voice_id: UUID, name_sealed: bytes) -> bool:
        """Begin one; the first of an organization is the one that is used where none is named.

        Returns:
            False where there are as many as there may be.
        """
        return (
            await self.tx.execute(
                """
                INSERT INTO voices (id, organization_id, name_sealed, is_default)
                SELECT $1, $2, $3, NOT EXISTS (SELECT FROM voices WHERE organization_id = $2)
                WHERE (SELECT count(*) FROM voices WHERE organization_id = $2) < $4
                """,
                voice_id,
                self.tx.organization_id,
                name_sealed,
                MOST_VOICES,
            )
            == 1
        )

    async def find(self, voice_id: UUID, *, lock: bool = False) -> Voice:
        """Read one; locked for a change where that is wanted."""
        row = await self.tx.fetchrow(
            f"SELECT {_VOICE} FROM voices WHERE id = $1 AND organization_id = $2"  # noqa: S608 - constants
            + (" FOR UPDATE" if lock else ""),
            voice_id,
            self.tx.organization_id,
        )
        return _voice(row)

    async def default(self) -> Voice | None:
        """The one that is used where none is named."""
        row = await self.tx.fetchrow(
            f"SELECT {_VOICE} FROM voices WHERE organization_id = $1 AND is_default",  # noqa: S608 - a constant
            self.tx.organization_id,
        )
        return None if row is None else _voice(row)

    async def page(self, after: UUID | None, limit: int) -> list[Voice]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_VOICE} FROM voices WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            after or AFTER_ALL,
            limit,
        )
        return [_voice(row) for row in rows]

    async def rename(self, voice_id: UUID, name_sealed: bytes) -> None:
        """Give it another name."""
        await self.tx.execute(
            """
            UPDATE voices SET name_sealed = $3, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            voice_id,
            self.tx.organization_id,
            name_sealed,
        )

    async def prefer(self, voice_id: UUID, *, wanted: bool) -> None:
        """Let it be the one that is used where none is named, in place of another; or no more."""
        await self.tx.execute(
            """
            UPDATE voices SET is_default = false, version = version + 1, changed_at = kit_now()
            WHERE organization_id = $1 AND is_default AND (id <> $2 OR NOT $3)
            """,
            self.tx.organization_id,
            voice_id,
            wanted,
        )
        if wanted:
            await self.tx.execute(
                """
                UPDATE voices SET is_default = true, version = version + 1, changed_at = kit_now()
                WHERE id = $2 AND organization_id = $1 AND NOT is_default
                """,
                self.tx.organization_id,
                voice_id,
            )

    async def delete(self, voice_id: UUID) -> None:
        """Delete it, with its versions and samples."""
        await self.tx.execute(
            "DELETE FROM voices WHERE id = $1 AND organization_id = $2", voice_id, self.tx.organization_id
        )

    async def begin_version(self, version_id: UUID, voice_id: UUID, number: int, by: UUID, rules: bytes) -> None:
        """Begin to learn a version."""
        await self.tx.execute(
            """
            INSERT INTO voice_versions (id, organization_id, voice_id, number, created_by, state, rules_sealed)
            VALUES ($1, $2, $3, $4, $5, 'learning', $6)
            """,
            version_id,
            self.tx.organization_id,
            voice_id,
            number,
            by,
            rules,
        )
        await self.tx.execute(
            """
            UPDATE voices SET latest = $3, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND latest < $3
            """,
            voice_id,
            self.tx.organization_id,
            number,
        )

    async def version(self, voice_id: UUID, number: int) -> VoiceVersion:
        """One version of one voice."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_VERSION} FROM voice_versions WHERE voice_id = $1 AND organization_id = $2 AND number = $3
            """,  # noqa: S608 - a constant
            voice_id,
            self.tx.organization_id,
            number,
        )
        return _version(row)

    async def versions(self, voice_id: UUID, before: int, limit: int) -> list[VoiceVersion]:
        """Versions of one voice, the newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_VERSION} FROM voice_versions
            WHERE voice_id = $1 AND organization_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4
            """,  # noqa: S608 - a constant
            voice_id,
            self.tx.organization_id,
            before,
            limit,
        )
        return [_version(row) for row in rows]

    async def of_voices(self, voices: Sequence[Voice]) -> dict[UUID, VoiceVersion]:
        """The version of each that is shown with it: the newest ready one, else the latest."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_VERSION} FROM voice_versions
            WHERE organization_id = $1
              AND (voice_id, number) IN (SELECT * FROM unnest($2::uuid[], $3::integer[]))
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            [each.id for each in voices],
            [each.current or each.latest for each in voices],
        )
        return {row["voice_id"]: _version(row) for row in rows}

    async def find_version(self, version_id: UUID) -> VoiceVersion:
        """One version, by its id."""
        row = await self.tx.fetchrow(
            f"SELECT {_VERSION} FROM voice_versions WHERE id = $1 AND organization_id = $2",  # noqa: S608
            version_id,
            self.tx.organization_id,
        )
        return _version(row)

    async def end_version(
        self, version: VoiceVersion, state: VoiceState, reason: str, profile: bytes | None, sizes: tuple[int, int]
    ) -> bool:
        """Record what was learned, once; a version that is ready becomes the current one, unless a newer is."""
        ended = await self.tx.execute(
            """
            UPDATE voice_versions SET state = $3, reason = $4, profile_sealed = $5, samples = $6, words = $7,
                ended_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'learning'
            """,
            version.id,
            self.tx.organization_id,
            state,
            reason,
            profile,
            *sizes,
        )
        if ended and state is VoiceState.READY:
            await self.tx.execute(
                """
                UPDATE voices SET current = $3, version = version + 1, changed_at = kit_now()
                WHERE id = $1 AND organization_id = $2 AND coalesce(current, 0) < $3
                """,
                version.voice_id,
                self.tx.organization_id,
                version.number,
            )
        return ended == 1


@dataclass(frozen=True, slots=True)
class SampleRepository:
    """Samples of the transaction's organization."""

    tx: Transaction

    async def add(self, voice_id: UUID, since: int, samples: Sequence[NewSample]) -> None:
        """Keep samples for this version and those that follow."""
        await self.tx.execute(
            """
            INSERT INTO voice_samples
                (id, organization_id, voice_id, source, state, origin_sealed, text_sealed, since_version)
            SELECT one.id, $1, $2, one.source, CASE WHEN one.text IS NULL THEN 'waiting' ELSE 'ready' END,
                   one.origin, one.text, $3
            FROM unnest($4::uuid[], $5::text[], $6::bytea[], $7::bytea[]) AS one (id, source, origin, text)
            """,
            self.tx.organization_id,
            voice_id,
            since,
            [each.id for each in samples],
            [each.source for each in samples],
            [each.origin_sealed for each in samples],
            [each.text_sealed for each in samples],
        )

    async def leave_out(self, voice_id: UUID, until: int) -> None:
        """From this version on learn from none of those there are."""
        await self.tx.execute(
            """
            UPDATE voice_samples SET until_version = $3
            WHERE voice_id = $1 AND organization_id = $2 AND until_version IS NULL
            """,
            voice_id,
            self.tx.organization_id,
            until,
        )

    async def of_version(self, voice_id: UUID, number: int, limit: int) -> list[Sample]:
        """What a version is learned from."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_SAMPLE} FROM voice_samples
            WHERE voice_id = $1 AND organization_id = $2 AND since_version <= $3
              AND (until_version IS NULL OR until_version > $3)
            ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant
            voice_id,
            self.tx.organization_id,
            number,
            limit,
        )
        return [_sample(row) for row in rows]

    async def waiting(self, sample_ids: Collection[UUID]) -> list[Sample]:
        """Those whose text is to be had yet, of all organizations that the transaction is bound to."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_SAMPLE} FROM voice_samples
            WHERE id = ANY ($1) AND organization_id = ANY ($2) AND state = 'waiting'
            """,  # noqa: S608 - a constant
            list(sample_ids),
            self.tx.organization_ids,
        )
        return [_sample(row) for row in rows]

    async def end(self, sample_id: UUID, state: SampleState, reason: str, text_sealed: bytes | None) -> bool:
        """Its text is there, or will not be; once."""
        return (
            await self.tx.execute(
                """
                UPDATE voice_samples SET state = $3, reason = $4, text_sealed = $5
                WHERE id = $1 AND organization_id = ANY ($2) AND state = 'waiting'
                """,
                sample_id,
                self.tx.organization_ids,
                state,
                reason,
                text_sealed,
            )
            == 1
        )


@dataclass(frozen=True, slots=True)
class PersonsVoices:
    """Versions of voices that one user had learned, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[VoiceVersion]:
        """Versions in the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_VERSION} FROM voice_versions
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )
        return [_version(row) for row in rows]

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many of them as nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE voice_versions SET created_by = NULL
            WHERE id IN (
                SELECT id FROM voice_versions WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


async def to_learn(tx: Transaction, at_most: int) -> Sequence[Row]:
    """Versions of all organizations whose samples wait no more, or have waited long enough."""
    return await tx.fetch("SELECT id, organization_id FROM voices_to_learn($1)", at_most)


def _voice(row: Row | None) -> Voice:
    if row is None:
        raise VoiceNotFound
    return Voice(**dict(row))


def _version(row: Row | None) -> VoiceVersion:
    if row is None:
        raise VoiceNotFound
    return VoiceVersion(**dict(row) | {"state": VoiceState(row["state"])})


def _sample(row: Row) -> Sample:
    return Sample(**dict(row) | {"state": SampleState(row["state"])})
