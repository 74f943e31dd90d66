"""The first sheet of an Office Open XML workbook (ECMA-376), row by row; what unpacks to too much is refused."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast
from xml.parsers import expat

from inbox.imports.errors import FileRefused

LARGEST: Final = 2 * 1024**3
"""Bytes to which the parts that are read may unpack."""

MOST_STRINGS: Final = 64 * 1024**2
"""Characters of shared strings, which have to be held in memory."""

MOST_SHARED: Final = 2_000_000
"""Shared strings, however short."""

LONGEST_LIST: Final = 4 * 1024**2
"""Bytes of the list of an archive's parts, which is held in memory; a workbook has some dozen."""

LONGEST_TOKEN: Final = 4 * 1024**2
"""Bytes of one tag, comment or piece of text in XML, which the parser holds in memory."""

MOST_TIMES: Final = 200
"""How often larger a part may be than it is packed; text packs ten to thirty times."""

_PIECE: Final = 256 * 1024
_LONGEST_CELL: Final = 32_767
_MOST_COLUMNS: Final = 16_384
_STRINGS: Final = "xl/sharedStrings.xml"
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
)
"""What reading a damaged archive, or one that is packed otherwise or locked, may raise."""


def is_workbook(sample: bytes) -> bool:
    """Whether a file that begins so is a ZIP archive."""
    return sample.startswith(b"PK\x03\x04")


def sheet_rows(file: BinaryIO) -> Iterator[list[str]]:
    """The rows of the first sheet, gaps filled.

    Raises:
        FileRefused: it is no workbook, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(cast("BinaryIO", _InPieces(file))) as archive:
            names = {each.filename: each for each in archive.infolist()}
            sheet = min((name for name in names if _is_sheet(name)), key=lambda name: (len(name), name), default=None)
            if sheet is None:
                raise FileRefused("not-a-workbook")
            shared: list[str] = []
            if _STRINGS in names:
                shared = list(_parsed(archive, names[_STRINGS], _Strings()))
            yield from _parsed(archive, names[sheet], _Rows(shared))
    except _BROKEN as error:
        raise FileRefused("not-a-workbook") from error


def _is_sheet(name: str) -> bool:
    return name.startswith("xl/worksheets/sheet") and name.endswith(".xml")


class _InPieces(io.BufferedIOBase):
    """A file of which nobody takes more into memory at once than the list of parts may be long."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        found = self._file.read(LONGEST_LIST + 1 if size is None or size < 0 else min(size, LONGEST_LIST + 1))
        if len(found) > LONGEST_LIST:
            raise FileRefused("workbook-too-large")
        return found


class _Strings:
    """Shared strings as they end."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._text: list[str] = []
        self._open = False
        self._held = self._count = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._open = name == "t"

    def text(self, data: str) -> None:
        if self._open:
            self._text.append(data)
            self._held += len(data)
            if self._held > MOST_STRINGS:
                raise FileRefused("workbook-too-large")

    def end(self, name: str) -> None:
        self._open = False
        if name == "si":
            self._count += 1
            if self._count > MOST_SHARED:
                raise FileRefused("workbook-too-large")
            self.found.append("".join(self._text)[:_LONGEST_CELL])
            self._text = []


class _Rows:
    """Rows of a sheet as they end."""

    def __init__(self, shared: list[str]) -> None:
        self.found: list[list[str]] = []
        self._shared = shared
        self._cells: list[str] = []
        self._text: list[str] = []
        self._kind, self._at, self._open, self._held = "", 0, False, 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._cells = []
        elif name == "c":
            self._kind, self._text, self._held = attributes.get("t", "n"), [], 0
            self._at = _column(attributes.get("r", "")) if "r" in attributes else len(self._cells)
        self._open = name in ("v", "t")

    def text(self, data: str) -> None:
        if self._open and self._held <= _LONGEST_CELL:
            self._text.append(data)
            self._held += len(data)

    def end(self, name: str) -> None:
        self._open = False
        if name == "c":
            value = self._value("".join(self._text))
            if value and self._at < _MOST_COLUMNS:
                self._cells.extend([""] * (self._at - len(self._cells)))
                self._cells[self._at :] = [value]
        elif name == "row":
            self.found.append(self._cells)

    def _value(self, told: str) -> str:
        if self._kind == "s":
            return self._shared[int(told)] if told.isdigit() and int(told) < len(self._shared) else ""
        if self._kind == "n" and ("E" in told or "." in told):
            try:
                number = float(told)
            except ValueError:
                return told
            return str(int(number)) if abs(number) < 1e15 and number == int(number) else told
        return told


def _parsed(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, reader: "_Strings | _Rows") -> Iterator[Any]:
    """What a part holds, as it is read. Neither sizes in the archive nor a document type are believed."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda name, attributes: reader.start(_local(name), attributes)
    parser.EndElementHandler = lambda name: reader.end(_local(name))
    parser.CharacterDataHandler = reader.text
    unpacked = 0
    with archive.open(entry) as part:
        while piece := part.read(_PIECE):
            unpacked += len(piece)
            if unpacked > LARGEST or unpacked > MOST_TIMES * entry.compress_size + 16 * _PIECE:
                raise FileRefused("workbook-too-large")
            parser.Parse(piece, False)
            if unpacked - max(parser.CurrentByteIndex, 0) > LONGEST_TOKEN:
                raise FileRefused("workbook-too-large")
            yield from _taken(reader)
        parser.Parse(b"", True)
        yield from _taken(reader)


def _taken(reader: "_Strings | _Rows") -> list[Any]:
    found: list[Any] = list(reader.found)
    reader.found.clear()
    return found


def _refuse(*_told: object) -> None:
    raise FileRefused("not-a-workbook")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _column(reference: str) -> int:
    """The column of a reference such as `AB12`, from 0."""
    at = 0
    for char in reference:
        if not "A" <= char <= "Z":
            break
        at = at * 26 + ord(char) - 64
    return max(at - 1, 0)
