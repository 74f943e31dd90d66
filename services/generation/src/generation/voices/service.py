from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.generation import SamplesRequested
from generation.voices.errors import TooManySamples, TooManyVoices, VoiceLearning, VoiceNotFound, VoiceNotReady
from generation.voices.learning import Learning
from generation.voices.model import (
    MOST_KEPT,
    Applied,
    Given,
    Rules,
    Sample,
    Shown,
    Voice,
    VoiceState,
    VoiceVersion,
    effect,
)
from generation.voices.repository import NewSample, SampleRepository, VoiceRepository
from generation.voices.scoring import Score, score
from generation.voices.sealing import VoiceSeal
from generation.voices.wording import worded
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Training:
    """What a version is to be learned from."""

    rules: Rules
    samples: Sequence[Given]
    keep_samples: bool = True


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A version that is to be begun, as it may be stored."""

    id: UUID
    rules: bytes
    samples: Sequence[NewSample]
    given: Sequence[Given]


@dataclass(frozen=True, slots=True)
class VoiceService:
    """What people do with voices."""

    database: Database
    seal: VoiceSeal
    ledger: Ledger
    learning: Learning

    async def create(self, name: str, training: Training, caller: MemberCaller, idempotency: Idempotency) -> Shown:
        """A new voice, and its first version to be learned; the organization's first is used where none is named.

        Raises:
            TooManyVoices: there are fifty.
        """
        voice_id, organization_id = new_id(), caller.organization_id
        sealed_name = await self.seal.name(organization_id, voice_id, name)
        begun = await self._sealed(training, caller)
        async with self.database.transaction(organization_id) as tx:
            if earlier := await idempotency.claim(tx):
                voice_id = earlier.resource_id
            else:
                if not await VoiceRepository(tx).add(voice_id, sealed_name):
                    raise TooManyVoices
                await self._begin(tx, voice_id, 1, begun, caller)
                await idempotency.remember(tx, voice_id, 1)
                await tx.emit(audited("generation.voice.created", caller, "voice", voice_id))
        await self._learn_at_once(organization_id, begun)
        return await self.find(voice_id, caller)

    async def train(
        self, voice_id: UUID, training: Training, caller: MemberCaller, idempotency: Idempotency
    ) -> Shown:
        """Learn a further version; the one before stays what is used until this one is ready.

        Raises:
            VoiceNotFound, VoiceLearning: there is none, or a version is under way.
            TooManySamples: with those that are kept there would be more than 200.
        """
        begun = await self._sealed(training, caller)
        async with self.database.transaction(caller.organization_id) as tx:
            if not await idempotency.claim(tx):
                voice = await VoiceRepository(tx).find(voice_id, lock=True)
                await self._make_room(tx, voice, training)
                await self._begin(tx, voice_id, voice.latest + 1, begun, caller)
                await idempotency.remember(tx, voice_id, voice.latest + 1)
        await self._learn_at_once(caller.organization_id, begun)
        return await self.find(voice_id, caller)

    async def find(self, voice_id: UUID, caller: MemberCaller) -> Shown:
        """A voice with its newest version that is ready, or the latest if none is.

        Raises:
            VoiceNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            voice = await VoiceRepository(tx).find(voice_id)
            version = await VoiceRepository(tx).version(voice_id, voice.current or voice.latest)
        return (await self.seal.shown(caller.organization_id, [(voice, version)]))[0]

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> Sequence[Shown]:
        """The newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            voices = await VoiceRepository(tx).page(after, limit)
            versions = await VoiceRepository(tx).of_voices(voices)
        return await self.seal.shown(caller.organization_id, [(each, versions.get(each.id)) for each in voices])

    async def versions(self, voice_id: UUID, caller: MemberCaller, before: int, limit: int) -> Sequence[Shown]:
        """Its versions, the newest first.

        Raises:
            VoiceNotFound: there is no such voice.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            voice = await VoiceRepository(tx).find(voice_id)
            found = await VoiceRepository(tx).versions(voice_id, before, limit)
        return await self.seal.shown(caller.organization_id, [(voice, each) for each in found])

    async def samples(
        self, voice_id: UUID, number: int, caller: MemberCaller
    ) -> Sequence[tuple[Sample, Sequence[str]]]:
        """What a version is learned from, with the texts that there are.

        Raises:
            VoiceNotFound: there is no such version.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            await VoiceRepository(tx).version(voice_id, number)
            found = await SampleRepository(tx).of_version(voice_id, number, MOST_KEPT)
        there = [each for each in found if each.text_sealed is not None]
        texts = dict(
            zip(
                (each.id for each in there),
                await self.seal.opened_texts(caller.organization_id, there),
                strict=True,
            )
        )
        return [(each, texts.get(each.id, [])) for each in found]

    async def change(self, voice_id: UUID, caller: MemberCaller, name: str | None, default: bool | None) -> Shown:
        """Give it another name, or let it be what is used where none is named.

        Raises:
            VoiceNotFound: there is none.
        """
        organization_id = caller.organization_id
        sealed = None if name is None else await self.seal.name(organization_id, voice_id, name)
        async with self.database.transaction(organization_id) as tx:
            voices = VoiceRepository(tx)
            await voices.find(voice_id, lock=True)
            if sealed is not None:
                await voices.rename(voice_id, sealed)
            if default is not None:
                await voices.prefer(voice_id, wanted=default)
            await tx.emit(audited("generation.voice.changed", caller, "voice", voice_id, default=str(default)))
        return await self.find(voice_id, caller)

    async def delete(self, voice_id: UUID, caller: MemberCaller) -> None:
        """Delete it with all it was learned from; texts that were written with it stay.

        Raises:
            VoiceNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await VoiceRepository(tx).find(voice_id, lock=True)
            await VoiceRepository(tx).delete(voice_id)
            await tx.emit(audited("generation.voice.deleted", caller, "voice", voice_id))

    async def score(
        self, voice_id: UUID, text: str, number: int | None, caller: MemberCaller
    ) -> tuple[Applied, Score]:
        """How near a text is to a version, the current one unless another is named.

        Raises:
            VoiceNotFound, VoiceNotReady: there is none, or it has learned nothing.
        """
        applied = await self._applied(caller.organization_id, voice_id, number)
        return applied, score(text, applied.profile, applied.rules)

    async def chosen(self, organization_id: UUID, voice_id: UUID | None) -> Applied | None:
        """The voice that is named, or where none is the organization's own; None where there is none.

        Raises:
            VoiceNotFound, VoiceNotReady: the one that is named is not there, or has learned nothing.
        """
        if voice_id is not None:
            return await self._applied(organization_id, voice_id, None)
        async with self.database.snapshot(organization_id) as tx:
            voice = await VoiceRepository(tx).default()
            if voice is None or voice.current is None:
                return None
            version = await VoiceRepository(tx).version(voice.id, voice.current)
        return await self.seal.applied(organization_id, version)

    async def words(self, organization_id: UUID) -> str:
        """How the organization speaks, in words for a model; empty where it has no voice of its own."""
        applied = await self.chosen(organization_id, None)
        return "" if applied is None else worded(applied.profile, applied.rules)

    async def _applied(self, organization_id: UUID, voice_id: UUID, number: int | None) -> Applied:
        async with self.database.snapshot(organization_id) as tx:
            voice = await VoiceRepository(tx).find(voice_id)
            if number is None and voice.current is None:
                raise VoiceNotReady
            version = await VoiceRepository(tx).version(voice_id, number or voice.current or 0)
        if version.state is not VoiceState.READY:
            raise VoiceNotReady
        applied = await self.seal.applied(organization_id, version)
        if applied is None:
            raise VoiceNotFound
        return applied

    async def _sealed(self, training: Training, caller: MemberCaller) -> _Sealed:
        organization_id, version_id = caller.organization_id, new_id()
        ids = [new_id() for _ in training.samples]
        sealed = await self.seal.samples(organization_id, list(zip(ids, training.samples, strict=True)))
        samples = [
            NewSample(sample_id, given.source, origin, text)
            for sample_id, given, (origin, text) in zip(ids, training.samples, sealed, strict=True)
        ]
        rules = await self.seal.rules(organization_id, version_id, training.rules)
        return _Sealed(version_id, rules, samples, training.samples)

    async def _make_room(self, tx: Transaction, voice: Voice, training: Training) -> None:
        latest = await VoiceRepository(tx).version(voice.id, voice.latest)
        if latest.state is VoiceState.LEARNING:
            raise VoiceLearning
        if not training.keep_samples:
            await SampleRepository(tx).leave_out(voice.id, voice.latest + 1)
            return
        kept = await SampleRepository(tx).of_version(voice.id, voice.latest, MOST_KEPT)
        if len(kept) + len(training.samples) > MOST_KEPT:
            raise TooManySamples(errors=[FieldError("#/samples", TooManySamples.title())])

    async def _begin(
        self, tx: Transaction, voice_id: UUID, number: int, begun: _Sealed, caller: MemberCaller
    ) -> None:
        await VoiceRepository(tx).begin_version(begun.id, voice_id, number, caller.user_id, begun.rules)
        await SampleRepository(tx).add(voice_id, number, begun.samples)
        for sample, given in zip(begun.samples, begun.given, strict=True):
            if given.source == "url":
                await self.ledger.add(tx, effect(caller.organization_id, sample.id))
            elif given.source == "posts":
                await tx.emit(SamplesRequested(sample_id=sample.id, at_most=int(given.content)))
        await tx.emit(
            audited("generation.voice.trained", caller, "voice", voice_id, number=number, samples=len(begun.samples))
        )

    async def _learn_at_once(self, organization_id: UUID, begun: _Sealed) -> None:
        """Where nothing is to be waited for; what was asked for before is learned already."""
        if all(each.source == "text" for each in begun.given):
            try:
                await self.learning.learn(organization_id, begun.id)
            except VoiceNotFound:
                return


def version_of(shown: Shown) -> VoiceVersion:
    """The version that is shown with a voice.

    Raises:
        VoiceNotFound: there is none, for the voice was deleted at that moment.
    """
    if shown.version is None:
        raise VoiceNotFound
    return shown.version
