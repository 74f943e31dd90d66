"""What was asked and what came of it, under seal: bound to its row, under the organization's key."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from generation.generations.model import Generation, Opened, Text, Wanted, stored_text, text_of
from kit.seal import Keyring
from postrules.limits import Platform


@dataclass(frozen=True, slots=True)
class GenerationSeal:
    """Seals and opens; no transaction may be open."""

    keyring: Keyring

    async def asked(self, organization_id: UUID, generation_id: UUID, wanted: Wanted) -> bytes:
        """What is wanted, as it may be stored."""
        document = orjson.dumps(dataclasses.asdict(wanted))
        return await self.keyring.seal(organization_id, document, place(generation_id, "asked_sealed"))

    async def wanted(self, organization_id: UUID, generation_id: UUID, sealed: bytes) -> Wanted | None:
        """What was asked; None where the key was destroyed."""
        values = [(sealed, place(generation_id, "asked_sealed"))]
        (opened,) = await self.keyring.open_many(organization_id, values)
        return _wanted(opened)

    async def texts(self, organization_id: UUID, generation_id: UUID, texts: Sequence[Text]) -> bytes:
        """Texts, as they may be stored."""
        document = orjson.dumps([stored_text(each) for each in texts])
        return await self.keyring.seal(organization_id, document, place(generation_id, "texts_sealed"))

    async def piece(self, organization_id: UUID, generation_id: UUID, number: int, text: str) -> bytes:
        """A piece of a stream, as it may be stored."""
        where = place(generation_id, f"pieces/{number}")
        return await self.keyring.seal(organization_id, text.encode(errors="replace"), where)

    async def pieces(
        self, organization_id: UUID, generation_id: UUID, sealed: Sequence[tuple[int, bytes]]
    ) -> list[str]:
        """Pieces in the clear; empty where the key was destroyed."""
        placed = [(value, place(generation_id, f"pieces/{number}")) for number, value in sealed]
        opened = await self.keyring.open_many(organization_id, placed)
        return ["" if each is None else each.decode(errors="replace") for each in opened]

    async def opened(self, organization_id: UUID, found: Sequence[Generation]) -> list[Opened]:
        """Generations of one organization in the clear, with one look-up for all keys."""
        values = [(each.asked_sealed, place(each.id, "asked_sealed")) for each in found]
        values += [
            (each.texts_sealed, place(each.id, "texts_sealed")) for each in found if each.texts_sealed is not None
        ]
        opened = await self.keyring.open_many(organization_id, values)
        asked, texts = opened[: len(found)], iter(opened[len(found) :])
        return [
            Opened(each, _wanted(document), _texts(next(texts) if each.texts_sealed is not None else None))
            for each, document in zip(found, asked, strict=True)
        ]


def place(generation_id: UUID, column: str) -> bytes:
    """The place of a sealed value."""
    return f"generations/{generation_id}/{column}".encode()


def _wanted(document: bytes | None) -> Wanted | None:
    if document is None:
        return None
    stored: dict[str, Any] = orjson.loads(document)
    stored["platforms"] = tuple(map(Platform, stored["platforms"]))
    stored["languages"] = tuple(stored["languages"])
    return Wanted(**stored)


def _texts(document: bytes | None) -> list[Text]:
    return [] if document is None else [text_of(each) for each in orjson.loads(document)]
