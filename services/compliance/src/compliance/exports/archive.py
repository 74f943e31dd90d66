"""The archive of an export: a ZIP with AES-256, holding JSON and CSV of each table, files, and a manifest.

It is written to a temporary file that has no name and is gone with the process. What stands there is encrypted
already; the rows of a table wait in memory, or, when they are many, in another such file.
"""

import base64
import contextlib
import csv
import hashlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, Final

import orjson
import pyzipper

from kit.jobs.report import defused

CHUNK: Final = 512 * 1024
LARGEST: Final = 1024**3
"""Bytes of an archive, and of rows that wait to be written; temporary files need room for both."""
_IN_MEMORY: Final = 8 * 1024 * 1024


class ArchiveTooLarge(Exception):
    """The archive would become larger than what we keep."""


@dataclass(slots=True)
class Archive:
    """Takes lines of the services in, one service after the other; `end` closes it."""

    password: bytes = field(repr=False)
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    entries: list[dict[str, Any]] = field(default_factory=list)
    _zip: Any = None
    _tables: dict[str, "_Table"] = field(default_factory=dict)
    _open: "_Entry | None" = None

    def __post_init__(self) -> None:
        self._zip = pyzipper.AESZipFile(
            self.file, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES, allowZip64=True
        )
        self._zip.setpassword(self.password)

    def add(self, service: str, piece: bytes) -> None:
        """Take the lines of one piece.

        Raises:
            ArchiveTooLarge: enough is enough.
        """
        for line in piece.splitlines():
            said = orjson.loads(line)
            if "table" in said:
                self._table(said["table"]).add(said["row"])
            else:
                self._add_file(f"{service}/{said['file']}", said["media_type"], base64.b64decode(said["data"]))
        if self.file.tell() > LARGEST or sum(table.file.tell() for table in self._tables.values()) > LARGEST:
            raise ArchiveTooLarge

    def end_of(self, service: str) -> None:
        """All of this service has been taken in."""
        self._close_entry()
        for name, table in sorted(self._tables.items()):
            self._write(f"{service}/{name}.json", "application/json", table.as_json(), rows=table.rows)
            self._write(f"{service}/{name}.csv", "text/csv", table.as_csv(), rows=table.rows)
            table.file.close()
        self._tables = {}

    def end(self, about: Mapping[str, Any]) -> tuple[int, str]:
        """Write the manifest; size and SHA-256 of the whole."""
        manifest = {**about, "entries": self.entries}
        self._write("manifest.json", "application/json", iter([orjson.dumps(manifest, option=orjson.OPT_INDENT_2)]))
        self._zip.close()
        digest, size = hashlib.sha256(), 0
        for chunk in self.chunks():
            digest.update(chunk)
            size += len(chunk)
        return size, digest.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """The file from its beginning."""
        self.file.seek(0)
        while chunk := self.file.read(CHUNK):
            yield chunk

    def close(self) -> None:
        """Let go of everything; what was written is gone."""
        for table in self._tables.values():
            table.file.close()
        with contextlib.suppress(OSError):  # it ends what is under way by writing it
            self._close_entry()
            self._zip.close()
        self.file.close()

    def _table(self, name: str) -> "_Table":
        if name not in self._tables:
            self._tables[name] = _Table()
        return self._tables[name]

    def _add_file(self, path: str, media_type: str, data: bytes) -> None:
        if self._open is None or self._open.path != path:
            self._close_entry()
            self._open = _Entry(path, media_type, self._zip.open(path, "w", force_zip64=True))
        self._open.write(data)

    def _close_entry(self) -> None:
        if self._open is not None:
            self.entries.append(self._open.closed())
            self._open = None

    def _write(self, path: str, media_type: str, content: Iterator[bytes], **more: int) -> None:
        entry = _Entry(path, media_type, self._zip.open(path, "w", force_zip64=True))
        for part in content:
            entry.write(part)
        self.entries.append({**entry.closed(), **more})


@dataclass(slots=True)
class _Entry:
    path: str
    media_type: str
    out: Any
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> None:
        self.out.write(data)
        self.digest.update(data)
        self.size += len(data)

    def closed(self) -> dict[str, Any]:
        self.out.close()
        return {
            "path": self.path,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.digest.hexdigest(),
        }


@dataclass(slots=True)
class _Table:
    """The rows of one table until they are written twice."""

    file: Any = field(default_factory=partial(tempfile.SpooledTemporaryFile, _IN_MEMORY))
    rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        self.file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        self.columns |= dict.fromkeys(row)
        self.rows += 1

    def as_json(self) -> Iterator[bytes]:
        self.file.seek(0)
        yield b"["
        for number, line in enumerate(self.file):
            yield (b"\n" if number == 0 else b",\n") + line.rstrip(b"\n")
        yield b"\n]\n"

    def as_csv(self) -> Iterator[bytes]:
        self.file.seek(0)
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.columns)
        for line in self.file:
            row = orjson.loads(line)
            writer.writerow([_cell(row.get(column)) for column in self.columns])
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
        yield out.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as text; what a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return defused(text) if isinstance(value, str) else text
