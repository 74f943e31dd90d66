from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, status

from generation.doors import Manager, Reader
from generation.voices.errors import TooManySamples, TooManyVoices, VoiceLearning, VoiceNotFound, VoiceNotReady
from generation.voices.schemas import (
    ChangeVoice,
    CreateVoice,
    SampleOut,
    SamplesOut,
    ScoreOut,
    ScoreText,
    TrainVoice,
    VersionOut,
    VoiceOut,
)
from generation.voices.service import VoiceService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/generation/voices",
    tags=["generation"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Voices = Annotated[VoiceService, Depends(part(VoiceService))]
Number = Annotated[int, Path(ge=1, le=10_000)]


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(TooManyVoices, IdempotencyKeyReused))
async def create_voice(body: CreateVoice, caller: Manager, voices: Voices, idempotency: IdempotencyKey) -> VoiceOut:
    """Have a voice learned from texts, pages and published posts; from texts alone it is ready at once."""
    return VoiceOut.of(await voices.create(body.name, body.training(), caller, idempotency))


@router.get("", responses=problems(BadCursor))
async def list_voices(caller: Reader, voices: Voices, page: Paging) -> Page[VoiceOut]:
    """The newest first."""
    after = page.after(UUID)
    found = await voices.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.voice.id,))
    return Page(items=[VoiceOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{voice_id}", responses=problems(VoiceNotFound))
async def read_voice(voice_id: UUID, caller: Reader, voices: Voices) -> VoiceOut:
    """A voice, and how it speaks."""
    return VoiceOut.of(await voices.find(voice_id, caller))


@router.patch("/{voice_id}", responses=problems(VoiceNotFound))
async def change_voice(voice_id: UUID, body: ChangeVoice, caller: Manager, voices: Voices) -> VoiceOut:
    """Give it another name, or let it be what is used where none is named."""
    return VoiceOut.of(await voices.change(voice_id, caller, body.name, body.is_default))


@router.delete("/{voice_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(VoiceNotFound))
async def delete_voice(voice_id: UUID, caller: Manager, voices: Voices) -> None:
    """Delete it with all it was learned from; texts that were written with it stay."""
    await voices.delete(voice_id, caller)


@router.post(
    "/{voice_id}/versions",
    status_code=status.HTTP_201_CREATED,
    responses=problems(VoiceNotFound, VoiceLearning, TooManySamples, IdempotencyKeyReused),
)
async def train_voice(
    voice_id: UUID, body: TrainVoice, caller: Manager, voices: Voices, idempotency: IdempotencyKey
) -> VoiceOut:
    """Have a further version learned; the one before is used until this one is ready."""
    return VoiceOut.of(await voices.train(voice_id, body.training(), caller, idempotency))


@router.get("/{voice_id}/versions", responses=problems(VoiceNotFound, BadCursor))
async def list_voice_versions(voice_id: UUID, caller: Reader, voices: Voices, page: Paging) -> Page[VersionOut]:
    """Its versions, the newest first."""
    after = page.after(int)
    found = await voices.versions(voice_id, caller, after[0] if after else 2**31 - 1, page.limit + 1)
    shown, cursor = page.cut([VersionOut.of(each) for each in found], lambda each: (each.number,))
    return Page(items=shown, next_cursor=cursor)


@router.get("/{voice_id}/versions/{number}/samples", responses=problems(VoiceNotFound))
async def read_voice_samples(voice_id: UUID, number: Number, caller: Manager, voices: Voices) -> SamplesOut:
    """What a version is learned from: at most 200 samples."""
    return SamplesOut(items=[SampleOut.of(each) for each in await voices.samples(voice_id, number, caller)])


@router.post("/{voice_id}/score", responses=problems(VoiceNotFound, VoiceNotReady))
async def score_text(voice_id: UUID, body: ScoreText, caller: Reader, voices: Voices) -> ScoreOut:
    """How near a text is to a voice, and why; no model is asked, and nothing is kept."""
    return ScoreOut.of(await voices.score(voice_id, body.text, body.number, caller))
