"""The bytes of an import at rest: sealed files, read as one."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import orjson

from inbox.imports.model import Part
from inbox.media.store import Kept, MediaStore, Opened
from kit.clock import Clock
from kit.ids import new_id
from kit.seal import Keyring

PIECE: Final = 4 * 1024 * 1024
"""Bytes that an upload holds in memory before they are stored."""
_BUFFER: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """Pieces and chunks; each is sealed under a key of its own, which lies under the import's."""

    store: MediaStore

    @classmethod
    def below(cls, media: Path, keyring: Keyring, clock: Clock) -> "ImportFiles":
        """Beside the media, where their sweeper does not look."""
        return cls(MediaStore(media / "imports", keyring, clock))

    async def keep(self, organization_id: UUID, import_id: UUID, content: bytes, start: int, size: int) -> Part:
        """Store one; it is swept after a day if no row comes to name it."""
        kept = await self.store.keep(organization_id, content, f"import:{import_id}")
        return Part(new_id(), start, size, kept.file_id, kept.key_sealed)

    async def whole(self, organization_id: UUID, parts: Sequence[Part]) -> BinaryIO:
        """The pieces as one file, to be read in a thread."""
        opened = [
            (each.start, each.size, await self.store.open(organization_id, Kept(each.file_id, each.key_sealed)))
            for each in sorted(parts, key=lambda part: part.start)
        ]
        return cast("BinaryIO", io.BufferedReader(_Whole(opened), _BUFFER))

    async def columns(self, organization_id: UUID, part: Part) -> list[list[str]]:
        """The columns of a chunk."""
        opened = await self.store.open(organization_id, Kept(part.file_id, part.key_sealed))
        pieces = [piece async for piece in opened.pieces(0, opened.file.size)]
        return await asyncio.to_thread(columns_of, b"".join(pieces))


def columns_of(told: bytes) -> list[list[str]]:
    """What was kept of a chunk."""
    found = orjson.loads(told)
    if isinstance(found, list):  # of an import that began under an earlier version
        return [list(column) for column in zip(*found, strict=True)]
    columns: list[list[str]] = found["columns"]
    return columns


class _Whole(io.RawIOBase):
    """Sealed pieces behind one another, read from anywhere."""

    def __init__(self, pieces: Sequence[tuple[int, int, Opened]]) -> None:
        self._pieces = pieces
        self._size = sum(size for _, size, _ in pieces)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        for start, size, opened in self._pieces:
            if start <= self._at < start + size:
                end = min(self._at + len(buffer), start + size)
                with opened.path.open("rb") as file:
                    found = opened.file.read(file, self._at - start, end - start)
                buffer[: len(found)] = found
                self._at += len(found)
                return len(found)
        return 0
