"""Where the bytes of media lie: a folder, or a bucket at S3, Google or Azure. Objects are written once."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from kit.errors import TransientError

PIECE: Final = 1024 * 1024


class StoreAway(TransientError):
    """The store of media cannot be reached just now."""

    code = "media-store-away"


class ObjectGone(Exception):
    """There is no such object, or no longer."""


class Content(Protocol):
    """Something that gives bytes piece by piece."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class MediaStore:
    """One store for all processes of the service. What was put is there when `put` returns, whatever dies then."""

    objects: ObjectStore
    folder: Path | None = None

    @classmethod
    def at(cls, url: str) -> "MediaStore":
        """The store at an address: `file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…`.

        Who we are there is read from the environment, as each of these providers' own programs read it.
        """
        if url.startswith("file://"):
            folder = Path(url.removeprefix("file://"))
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cls(LocalStore(folder), folder)
        made: Any = from_url(url)
        return cls(made)

    async def put(self, key: str, content: bytes | Path) -> None:
        """Store an object. A key names its content, or is drawn for it, so storing twice changes nothing.

        Raises:
            StoreAway: it may not be stored.
        """
        try:
            if self.folder is not None:
                await asyncio.to_thread(_write, self.folder / key, content)
            else:
                await obstore.put_async(self.objects, key, content)
        except (BaseError, OSError) as trouble:
            raise StoreAway from trouble

    async def read(self, key: str, offset: int, length: int) -> bytes:
        """At most so many bytes from an offset.

        Raises:
            ObjectGone, StoreAway: it is not there, or cannot be reached.
        """
        if length <= 0:
            return b""
        try:
            return bytes(await obstore.get_range_async(self.objects, key, start=offset, length=length))
        except FileNotFoundError as gone:
            raise ObjectGone(key) from gone
        except (BaseError, OSError) as trouble:
            raise StoreAway from trouble

    async def pieces(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end`, a mebibyte at a time.

        Raises:
            ObjectGone, StoreAway: it is not there, or cannot be reached.
        """
        for at in range(start, end, PIECE):
            yield await self.read(key, at, min(PIECE, end - at))

    async def fetch(self, keys: Sequence[tuple[str, int]], target: Path) -> int:
        """Write objects of these sizes one after the other into a file; how many bytes came.

        Raises:
            ObjectGone, StoreAway: one is not there, or cannot be reached.
        """
        total = 0
        with target.open("wb") as file:
            for key, size in keys:
                async for piece in self.pieces(key, 0, size):
                    await asyncio.to_thread(file.write, piece)
                    total += len(piece)
        return total

    async def remove(self, prefix: str) -> int:
        """Delete everything below a prefix, which ends with a slash; how many objects. Doing it twice harms nothing.

        Raises:
            StoreAway: some may be left.
        """
        removed = 0
        try:
            async for found in obstore.list(self.objects, prefix=prefix, chunk_size=500):
                keys = [each["path"] for each in found]
                with suppress(FileNotFoundError):
                    await obstore.delete_async(self.objects, keys)
                removed += len(keys)
            if self.folder is not None:
                await asyncio.to_thread(_prune, self.folder / prefix)
        except (BaseError, OSError) as trouble:
            raise StoreAway from trouble
        return removed

    async def delete(self, key: str) -> None:
        """Delete one object, if it can be done just now; what is left goes with its prefix."""
        with suppress(BaseError, OSError):
            await obstore.delete_async(self.objects, key)


def of_organization(organization_id: UUID) -> str:
    """Below this lie all media of an organization."""
    return f"{organization_id.hex}/"


def of_media(organization_id: UUID, media_id: UUID) -> str:
    """Below this lies what may be published of one medium."""
    return f"{organization_id.hex}/media/{media_id.hex}/"


def of_upload(organization_id: UUID, media_id: UUID) -> str:
    """Below this lie the pieces of an upload."""
    return f"{organization_id.hex}/uploads/{media_id.hex}/"


def _write(path: Path, content: bytes | Path) -> None:
    """All of it or nothing, and on the disk."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    halfway = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with halfway.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                with content.open("rb") as source:
                    while piece := source.read(PIECE):
                        file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        halfway.replace(path)
    except BaseException:
        halfway.unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        _settle(folder)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(folder: Path) -> None:
    """Take folders that are empty; halves of files that nobody finished go, too."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            with suppress(OSError):
                path.rmdir()
        elif path.name.startswith("."):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
