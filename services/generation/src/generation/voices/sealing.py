"""Names, rules, profiles and samples of voices under the organization's key, bound to their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from generation.voices.model import (
    Applied,
    Given,
    Profile,
    Rules,
    Sample,
    Shown,
    Voice,
    VoiceVersion,
    profile_of,
    rules_of,
    stored_profile,
    stored_rules,
)
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class VoiceSeal:
    """Seals and opens; no transaction need be open."""

    keyring: Keyring

    async def name(self, organization_id: UUID, voice_id: UUID, name: str) -> bytes:
        """A voice's name, as it may be stored."""
        return await self.keyring.seal(organization_id, name.encode(), _voice(voice_id))

    async def rules(self, organization_id: UUID, version_id: UUID, rules: Rules) -> bytes:
        """Rules, as they may be stored."""
        return await self.keyring.seal(organization_id, orjson.dumps(stored_rules(rules)), _rules(version_id))

    async def profile(self, organization_id: UUID, version_id: UUID, profile: Profile) -> bytes:
        """A profile, as it may be stored."""
        document = orjson.dumps(stored_profile(profile))
        return await self.keyring.seal(organization_id, document, _profile(version_id))

    async def samples(
        self, organization_id: UUID, given: Sequence[tuple[UUID, Given]]
    ) -> list[tuple[bytes, bytes | None]]:
        """Where each sample is from, and its text where it is at hand, as they may be stored."""
        values: list[tuple[bytes, bytes]] = []
        for sample_id, one in given:
            origin = "" if one.source == "text" else one.content
            values.append((origin.encode(), _origin(sample_id)))
            if one.source == "text":
                values.append((_texts([one.content]), text_place(sample_id)))
        sealed = iter(await self.keyring.seal_many(organization_id, values))
        return [(next(sealed), next(sealed) if one.source == "text" else None) for _, one in given]

    async def texts(self, organization_id: UUID, sample_id: UUID, texts: Sequence[str]) -> bytes:
        """The texts of a sample, as they may be stored."""
        return await self.keyring.seal(organization_id, _texts(texts), text_place(sample_id))

    async def origin(self, organization_id: UUID, sample_id: UUID, sealed: bytes) -> str:
        """Where a sample is from."""
        return (await self.keyring.open(organization_id, sealed, _origin(sample_id))).decode()

    async def opened_texts(self, organization_id: UUID, samples: Sequence[Sample]) -> list[list[str]]:
        """The texts of samples that have any; none where the key was destroyed."""
        values = [(each.text_sealed or b"", text_place(each.id)) for each in samples]
        opened = await self.keyring.open_many(organization_id, values)
        return [[] if each is None else [str(text) for text in orjson.loads(each)] for each in opened]

    async def shown(self, organization_id: UUID, found: Sequence[tuple[Voice, VoiceVersion | None]]) -> list[Shown]:
        """Voices with their names and versions in the clear, with one look-up for all keys."""
        values: list[tuple[bytes, bytes]] = []
        for voice, version in found:
            values.append((voice.name_sealed, _voice(voice.id)))
            if version is not None:
                values.append((version.rules_sealed, _rules(version.id)))
                if version.profile_sealed is not None:
                    values.append((version.profile_sealed, _profile(version.id)))
        opened = iter(await self.keyring.open_many(organization_id, values))
        return [_shown(voice, version, opened) for voice, version in found]

    async def applied(self, organization_id: UUID, version: VoiceVersion) -> Applied | None:
        """A version that is ready, in the clear; None where the key was destroyed."""
        if version.profile_sealed is None:
            return None
        values = [(version.rules_sealed, _rules(version.id)), (version.profile_sealed, _profile(version.id))]
        rules, profile = await self.keyring.open_many(organization_id, values)
        if rules is None or profile is None:
            return None
        return Applied(
            version.voice_id, version.number, rules_of(orjson.loads(rules)), profile_of(orjson.loads(profile))
        )


def text_place(sample_id: UUID) -> bytes:
    """The place of a sample's texts; the publisher seals published posts for it, too."""
    return f"voice_samples/{sample_id}/text_sealed".encode()


def _shown(voice: Voice, version: VoiceVersion | None, opened: Any) -> Shown:
    name = next(opened)
    shown = Shown(voice, None if name is None else name.decode(), version)
    if version is None:
        return shown
    rules, profile = next(opened), next(opened) if version.profile_sealed is not None else None
    return Shown(
        voice,
        shown.name,
        version,
        None if rules is None else rules_of(orjson.loads(rules)),
        None if profile is None else profile_of(orjson.loads(profile)),
    )


def _texts(texts: Sequence[str]) -> bytes:
    return orjson.dumps([each.encode(errors="replace").decode() for each in texts])


def _voice(voice_id: UUID) -> bytes:
    return f"voices/{voice_id}/name_sealed".encode()


def _rules(version_id: UUID) -> bytes:
    return f"voice_versions/{version_id}/rules_sealed".encode()


def _profile(version_id: UUID) -> bytes:
    return f"voice_versions/{version_id}/profile_sealed".encode()


def _origin(sample_id: UUID) -> bytes:
    return f"voice_samples/{sample_id}/origin_sealed".encode()
