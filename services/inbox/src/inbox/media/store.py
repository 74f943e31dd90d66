"""The folder of media: each file is sealed under a key of its own, and its name says nothing of its content."""

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from inbox.media.sealed_file import SealedFile, sealed
from kit.clock import Clock
from kit.ids import new_id
from kit.seal import Keyring, SealBroken

_PLACE: Final = b"media.key_sealed/"
_ORGANIZATION: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PIECE: Final = 1024 * 1024


class FileMissing(Exception):
    """The file is not there, or not as it was written."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was written, and its key as the row keeps it."""

    file_id: UUID
    key_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file ready to be read, from several readers if need be; it holds nothing open."""

    path: Path
    file: SealedFile

    async def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end`, a mebibyte at a time.

        Raises:
            SealBroken: the file was changed.
        """
        for at in range(start, end, _PIECE):
            yield await asyncio.to_thread(self._read, at, min(end, at + _PIECE))

    def _read(self, start: int, end: int) -> bytes:
        with self.path.open("rb") as file:
            return self.file.read(file, start, end)


@dataclass(frozen=True, slots=True)
class MediaStore:
    """A folder that all processes of the service share; each organization has its own part of it.

    The key of a file dies with the key of its subject. Two equal contents are two files that look different.
    """

    folder: Path
    keyring: Keyring
    clock: Clock

    async def keep(self, organization_id: UUID, content: bytes, subject: str | None) -> Kept:
        """Write a file of a subject's, or of the organization itself; without a row that names it, it is swept.

        Raises:
            KeyShredded: organization or subject were forgotten.
        """
        file_id, key = new_id(), secrets.token_bytes(32)
        key_sealed = await self.keyring.seal(organization_id, key, _PLACE + file_id.bytes, subject=subject)
        path, written_at = self._path(organization_id, file_id), self.clock.now().timestamp()
        await asyncio.to_thread(_write, path, sealed(content, key, file_id.bytes), written_at)
        return Kept(file_id, key_sealed)

    async def open(self, organization_id: UUID, kept: Kept) -> Opened:
        """A file that was kept.

        Raises:
            FileMissing: it is not there, or something of it is missing.
            KeyShredded: whom it is about was forgotten.
        """
        key = await self.keyring.open(organization_id, kept.key_sealed, _PLACE + kept.file_id.bytes)
        path = self._path(organization_id, kept.file_id)
        return Opened(path, await asyncio.to_thread(_open, path, key, kept.file_id.bytes))

    async def older_than(self, at: float, at_most: int) -> AsyncIterator[tuple[UUID, list[Path]]]:
        """All files written before that time, in batches of one organization."""
        batches = _older_than(self.folder, at, at_most)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            yield batch

    async def remove(self, organization_id: UUID, file_ids: Sequence[UUID]) -> None:
        """Take these files of an organization away; those that are gone already are no matter."""
        await self.discard([self._path(organization_id, each) for each in file_ids])

    async def discard(self, paths: Sequence[Path]) -> None:
        """Take these files away."""
        await asyncio.to_thread(_discard, paths)

    def _path(self, organization_id: UUID, file_id: UUID) -> Path:
        return self.folder / str(organization_id) / file_id.hex[-2:] / file_id.hex


def _write(path: Path, pieces: Iterator[bytes], written_at: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.utime(file.fileno(), (written_at, written_at))
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _open(path: Path, key: bytes, name: bytes) -> SealedFile:
    try:
        with path.open("rb") as file:
            return SealedFile.open(file, key, name)
    except (OSError, SealBroken) as error:
        raise FileMissing from error


def _older_than(folder: Path, at: float, at_most: int) -> Iterator[tuple[UUID, list[Path]]]:
    for own in folder.iterdir() if folder.is_dir() else ():
        if not _ORGANIZATION.fullmatch(own.name):
            continue
        batch: list[Path] = []
        for path in own.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < at:
                    batch.append(path)
            if len(batch) == at_most:
                yield UUID(own.name), batch
                batch = []
        if batch:
            yield UUID(own.name), batch


def _discard(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
