from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from auth.suspensions.model import Suspension
from kit.seal import Keyring

_PLACE: Final = b"suspensions.note_sealed:"


@dataclass(frozen=True, slots=True)
class Notes:
    """What staff wrote about a suspension, sealed under the key of whom it is about."""

    keyring: Keyring

    async def seal(
        self, suspension_id: UUID, user_id: UUID | None, organization_id: UUID | None, note: str | None
    ) -> bytes | None:
        """Seal a note, if there is one.

        Raises:
            KeyShredded: whom it is about was forgotten.
        """
        if note is None:
            return None
        subject = None if user_id is None else f"user:{user_id}"
        return await self.keyring.seal(organization_id, note.encode(), _PLACE + suspension_id.bytes, subject=subject)

    async def opened(self, several: Sequence[Suspension]) -> list[Suspension]:
        """Suspensions of one user, or of one organization, with their notes."""
        with_note = [each for each in several if each.note_sealed is not None]
        if not with_note:
            return list(several)
        sealed = [(each.note_sealed or b"", _PLACE + each.id.bytes) for each in with_note]
        opened = await self.keyring.open_many(with_note[0].organization_id, sealed)
        notes = {each.id: note for each, note in zip(with_note, opened, strict=True)}
        return [_with(each, notes.get(each.id)) for each in several]


def _with(suspension: Suspension, note: bytes | None) -> Suspension:
    return suspension if note is None else replace(suspension, note=note.decode())
