"""How a service's part of an export reaches compliance: in sealed pieces of lines of JSON.

A line is `{"table": …, "row": {…}}`, or `{"file": name, "media_type": …, "data": base64}`; the lines of one file
follow each other. A row that is larger than a piece is a file of its own, and its line says which. A piece is put
under its number and the attempt it belongs to, so putting it again is harmless.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from kit.http.peer import Peer, PeerRefused
from kit.privacy.holding import File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring

PIECE: Final = 384 * 1024
"""Bytes of lines after which a piece is put; with what is added it stays below what a request may bring."""

_SLICE: Final = 192 * 1024
_OPTIONS: Final = orjson.OPT_UTC_Z
_CONFLICT: Final = 409


class NotWanted(Exception):
    """Nobody waits for the piece any more: the export has expired, or was completed without it."""


class Handover(Protocol):
    """Where pieces go."""

    async def put(self, export_id: UUID, attempt: int, number: int, sealed: bytes) -> None:
        """Hand over one piece; again changes nothing.

        Raises:
            TransientError: not now.
            NotWanted: not any more.
        """


@dataclass(frozen=True, slots=True)
class ToCompliance:
    """Pieces go to compliance, over HTTP."""

    peer: Peer

    async def put(self, export_id: UUID, attempt: int, number: int, sealed: bytes) -> None:
        """Hand over one piece."""
        path = f"/internal/exports/{export_id}/pieces/{attempt}-{number}"
        try:
            await self.peer.ask("PUT", path, sealed, deadline=30.0)
        except PeerRefused as refused:
            if refused.status == _CONFLICT:
                raise NotWanted from refused
            raise


def place(export_id: UUID, service: str, attempt: int, number: int) -> bytes:
    """Where a piece belongs; elsewhere it does not open."""
    return b"export/" + export_id.bytes + f"/{service}/{attempt}/{number}".encode()


@dataclass(slots=True)
class Parcel:
    """Collects lines into pieces and hands them over; counts rows by table."""

    handover: Handover
    keyring: Keyring
    service: str
    person: Person
    export_id: UUID
    attempt: int
    before_each: Callable[[], Awaitable[None]]
    number: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    _lines: list[bytes] = field(default_factory=list)
    _size: int = 0
    _large: int = 0

    async def add(self, found: Rows | File) -> None:
        """Take some rows or a file in."""
        if isinstance(found, File):
            await self._add_file(found)
            return
        self.rows[found.table] = self.rows.get(found.table, 0) + len(found.rows)
        for row in found.rows:
            await self._row(found.table, row)

    async def end(self) -> None:
        """Hand over what is left."""
        if self._lines:
            await self._put()

    async def _row(self, table: str, row: Mapping[str, Any]) -> None:
        encoded = _encoded({"table": table, "row": row})
        if len(encoded) <= PIECE:
            await self._put_line(encoded)
            return
        self._large += 1
        name = f"{table}/large-{self._large}.json"
        await self._line({"table": table, "row": {"file": name}})
        await self._add_file(File(name, "application/json", _once(orjson.dumps(row, _plain, _OPTIONS))))

    async def _add_file(self, file: File) -> None:
        head = {"file": file.name, "media_type": file.media_type}
        empty = True
        async for part in _slices(file.pieces):
            empty = False
            await self._line({**head, "data": base64.b64encode(part).decode()})
        if empty:
            await self._line({**head, "data": ""})

    async def _line(self, line: dict[str, Any]) -> None:
        await self._put_line(_encoded(line))

    async def _put_line(self, encoded: bytes) -> None:
        if self._size + len(encoded) > PIECE and self._lines:
            await self._put()
        self._lines.append(encoded)
        self._size += len(encoded)

    async def _put(self) -> None:
        await self.before_each()
        where = place(self.export_id, self.service, self.attempt, self.number)
        sealed = await self.keyring.seal(
            self.person.organization_id, b"".join(self._lines), where, subject=self.person.key_owner
        )
        await self.handover.put(self.export_id, self.attempt, self.number, sealed)
        self.number += 1
        self._lines, self._size = [], 0


def _encoded(line: Mapping[str, Any]) -> bytes:
    return orjson.dumps(line, _plain, _OPTIONS | orjson.OPT_APPEND_NEWLINE)


def _plain(value: object) -> object:
    """What the database's driver has classes of its own for."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _slices(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        for at in range(0, len(piece), _SLICE):
            yield piece[at : at + _SLICE]
