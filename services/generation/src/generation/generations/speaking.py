"""A brand voice laid upon what is asked, and how near to it the texts came."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from generation.generations.model import Text, Wanted
from generation.voices.model import Applied, profile_of, rules_of, stored_profile, stored_rules
from generation.voices.scoring import score
from generation.voices.service import VoiceService
from generation.voices.wording import worded


async def speaking(wanted: Wanted, voices: VoiceService, organization_id: UUID) -> Wanted:
    """What is asked, with the voice that is chosen; the version stays as it is now, whatever is learned meanwhile.

    Raises:
        VoiceNotFound, VoiceNotReady: the one that is named is not there, or has learned nothing.
    """
    if wanted.voice_choice == "none":
        return wanted
    named = None if wanted.voice_choice == "default" else UUID(wanted.voice_choice)
    applied = await voices.chosen(organization_id, named)
    if applied is None:
        return wanted
    kept = {
        "voice_id": str(applied.voice_id),
        "number": applied.number,
        "rules": stored_rules(applied.rules),
        "profile": stored_profile(applied.profile),
    }
    said = worded(applied.profile, applied.rules)
    return replace(wanted, voice=said, voice_version=applied.name, voice_applied=kept)


def applied_to(wanted: Wanted) -> Applied | None:
    """The voice that was laid upon what is asked."""
    kept = wanted.voice_applied
    if kept is None:
        return None
    return Applied(UUID(kept["voice_id"]), kept["number"], rules_of(kept["rules"]), profile_of(kept["profile"]))


def scored(texts: Sequence[Text], wanted: Wanted) -> list[Text]:
    """Texts, each with how near it came to the voice; without a voice they stay as they are."""
    applied = applied_to(wanted)
    if applied is None:
        return list(texts)
    return [
        replace(each, score=score("\n".join((each.text, *each.parts)), applied.profile, applied.rules).points)
        for each in texts
    ]
