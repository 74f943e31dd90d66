from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from generation.voices.model import MOST_KEPT, Shown, VoiceVersion
from generation.voices.repository import PersonsVoices, SampleRepository, VoiceRepository
from generation.voices.sealing import VoiceSeal
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class VoiceHolding:
    """Versions of voices that a user had learned. They are the organization's, and stay with it."""

    database: Database
    seal: VoiceSeal
    tables: ClassVar[frozenset[str]] = frozenset({"voice_versions"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they gave to be learned from, with the rules they set, opened."""
        if person.kind != "user":
            return
        for organization_id in organization_ids:
            after: UUID | None = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    found = await PersonsVoices(tx).page(person.id, after, _PAGE)
                yield Rows("voice_versions", [await self._row(each) for each in found])
                if len(found) < _PAGE:
                    break
                after = found[-1].id

    async def _row(self, version: VoiceVersion) -> dict[str, Any]:
        organization_id = version.organization_id
        async with self.database.snapshot(organization_id) as tx:
            voice = await VoiceRepository(tx).find(version.voice_id)
            samples = await SampleRepository(tx).of_version(version.voice_id, version.number, MOST_KEPT)
        given = [each for each in samples if each.since_version == version.number and each.text_sealed is not None]
        texts = await self.seal.opened_texts(organization_id, given)
        (shown,) = await self.seal.shown(organization_id, [(voice, version)])
        return _row(shown, version, [text for found in texts for text in found])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They stay, as nobody's; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await PersonsVoices(tx).unlink(person.id, _PAGE)
        return Erased(unlinked={"voice_versions": unlinked}, more=unlinked == _PAGE)


def _row(shown: Shown, version: VoiceVersion, texts: Sequence[str]) -> dict[str, Any]:
    return {
        "id": version.id,
        "organization_id": version.organization_id,
        "voice": shown.name,
        "number": version.number,
        "state": version.state,
        "rules": None if shown.rules is None else asdict(shown.rules),
        "samples": texts,
        "created_at": version.created_at,
    }
