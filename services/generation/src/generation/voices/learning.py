"""A version is learned: its samples are opened, measured and forgotten again; what is kept is the profile."""

from dataclasses import dataclass
from uuid import UUID

from contracts.generation import VoiceTrained
from generation.voices.measuring import profiled
from generation.voices.model import LEAST_WORDS, MOST_KEPT, VoiceState
from generation.voices.repository import SampleRepository, VoiceRepository, to_learn
from generation.voices.sealing import VoiceSeal
from kit.db.database import Database
from kit.process import Loop
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class Learning:
    """Learns versions whose samples are there. Two at once learn the same, and one of them records it."""

    database: Database
    seal: VoiceSeal

    def loop(self) -> Loop:
        """For those whose samples came later, or whose request died."""
        return Loop("voices learn", self.learn_due, every=1.0)

    async def learn_due(self) -> bool:
        """Learn what is due; whether there may be more."""
        async with self.database.transaction() as tx:
            rows = await to_learn(tx, 20)
        for row in rows:
            await self.learn(row["organization_id"], row["id"])
        return len(rows) == 20

    async def learn(self, organization_id: UUID, version_id: UUID) -> None:
        """Learn one version from the samples that have a text."""
        async with self.database.snapshot(organization_id) as tx:
            version = await VoiceRepository(tx).find_version(version_id)
            samples = await SampleRepository(tx).of_version(version.voice_id, version.number, MOST_KEPT)
        there = [each for each in samples if each.text_sealed is not None]
        texts = [text for found in await self.seal.opened_texts(organization_id, there) for text in found]
        profile = profiled(texts)
        enough, reason, sealed = profile.words >= LEAST_WORDS, "too_few_words", None
        if enough:
            try:
                sealed, reason = await self.seal.profile(organization_id, version_id, profile), ""
            except KeyShredded:
                enough, reason = False, "forgotten"
        state = VoiceState.READY if enough else VoiceState.FAILED
        async with self.database.transaction(organization_id) as tx:
            sizes = (profile.texts, profile.words)
            ended = await VoiceRepository(tx).end_version(version, state, reason, sealed, sizes)
            if ended and enough:
                await tx.emit(
                    VoiceTrained(
                        voice_id=version.voice_id, samples=profile.texts, words=profile.words, version=version.number
                    )
                )
