"""A file becomes rows, whatever it is: CSV or TSV in the usual encodings, or the first sheet of a workbook.

Memory is bounded by the longest line, not by the file. What cannot be a table is refused by name before anything of
it is imported.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final, Literal, cast

from inbox.imports.errors import FileRefused
from inbox.imports.sheets import is_workbook, sheet_rows

MOST_ROWS: Final = 5_000_000
MOST_COLUMNS: Final = 200
LONGEST_LINE: Final = 1024 * 1024
_SAMPLE: Final = 256 * 1024
_BLOCK: Final = 128 * 1024
"""Characters that are split into lines at once."""
_DELIMITERS: Final = (",", ";", "\t", "|")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS: Final = (
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",  # Zstandard
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # workbooks of before 2007
    b"%PDF-",
    b"\x89PNG",
    b"SQLite format 3\0",
    b"PAR1",
)
"""How files begin that people mean well with and that are no tables, or packed ones."""

_END: Final = "\U0010fffe"
"""A line of ours behind the last one: what is read of it shows whether the last row had ended."""

Form = Literal["csv", "xlsx"]


@dataclass(frozen=True, slots=True)
class Format:
    """As what a file is read."""

    form: Form
    encoding: str = ""
    delimiter: str = ""


def sniff(file: BinaryIO) -> Format:
    """As what a file is to be read, from how it begins; the file stands at its beginning afterwards.

    Without a mark it is UTF-8 if the sample is, else Windows' western code page.

    Raises:
        FileRefused: it is packed, or of another program.
    """
    file.seek(0)
    sample = file.read(_SAMPLE)
    file.seek(0)
    if is_workbook(sample):
        return Format("xlsx")
    if sample.startswith(_OTHERS):
        raise FileRefused("no-table")
    encoding = next((name for mark, name in _MARKS if sample.startswith(mark)), None) or _unmarked(sample)
    return Format("csv", encoding, _delimiter(sample.decode(encoding, errors="replace")))


def rows(file: BinaryIO, form: Format) -> Iterator[list[str]]:
    """Each row's cells, the heading among them; empty rows are left out by nobody, so that numbers stay true.

    Raises:
        FileRefused: it cannot be a table, with the row at which that shows.
    """
    found = sheet_rows(file) if form.form == "xlsx" else _csv_rows(file, form)
    for number, cells in enumerate(found, start=1):
        if len(cells) > MOST_COLUMNS:
            raise FileRefused("too-many-columns", number)
        if number > MOST_ROWS + 1:
            raise FileRefused("too-many-rows")
        yield cells


def _csv_rows(file: BinaryIO, form: Format) -> Iterator[list[str]]:
    reader = csv.reader(_lines(file, form.encoding), delimiter=form.delimiter or ",")
    number = 0
    try:
        for cells in reader:
            number += 1
            if cells == [_END]:
                return
            if cells and cells[-1].endswith(_END):
                raise FileRefused("ends-in-a-row", number)
            yield cells
    except csv.Error as error:
        raise FileRefused("field-too-long", number + 1) from error


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Lines with their ends. Bytes that break UTF-8 are taken for Windows' code page, as spreadsheets mix the two."""
    file.seek(0)
    text = io.TextIOWrapper(cast("BinaryIO", _Kept(file)), encoding=encoding, errors="surrogateescape", newline="")
    number, rest = 0, ""
    try:
        while block := text.read(_BLOCK):
            told = rest + block
            lines = io.StringIO(told, newline="").readlines()
            rest = "" if lines[-1].endswith("\n") else lines.pop()  # a return may be followed by a line feed
            yield from lines if _plain(lines, told) else _checked(lines, number)
            number += len(lines)
            if len(rest) > LONGEST_LINE:
                raise FileRefused("line-too-long", number + 1)
        yield from _checked([rest], number) if rest else ()
        yield _END
    except UnicodeError as error:
        raise FileRefused("not-readable") from error
    finally:
        text.detach()


def _plain(lines: Sequence[str], text: str) -> bool:
    """Whether these need not be looked at one by one."""
    return (
        text.isascii()
        and "\0" not in text
        and (len(text) <= LONGEST_LINE or max(map(len, lines), default=0) <= LONGEST_LINE)
    )


def _checked(lines: Sequence[str], before: int) -> Iterator[str]:
    for number, line in enumerate(lines, start=before + 1):
        if len(line) > LONGEST_LINE:
            raise FileRefused("line-too-long", number)
        if "\0" in line:
            raise FileRefused("nul-bytes", number)
        yield line if line.isascii() else _mended(line)


def _mended(line: str) -> str:
    if not any("\udc80" <= char <= "\udcff" for char in line):
        return line
    return "".join(
        bytes([ord(char) - 0xDC00]).decode("cp1252", errors="replace") if "\udc80" <= char <= "\udcff" else char
        for char in line
    )


class _Kept(io.BufferedIOBase):
    """A file that stays open when what wraps it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        return self._file.read(size if size > 0 else 64 * 1024)

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)


def _unmarked(sample: bytes) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError as error:
        return "cp1252" if _mostly_western(sample, error.start) else "utf-8"
    return "utf-8"


def _mostly_western(sample: bytes, first: int) -> bool:
    """Whether nothing beyond ASCII before the first fault was UTF-8; else single bytes of it are broken."""
    return sample[:first].isascii()


def _delimiter(sample: str) -> str:
    """What gives the most columns in the same number over the first lines."""
    lines = sample.splitlines()[:20]
    best, most = ",", 1
    for each in _DELIMITERS:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=each) if cells]
        except csv.Error:
            continue
        width = min(widths, default=0)
        if width > most and widths.count(widths[0]) * 2 > len(widths):
            best, most = each, width
    return best


def first_rows(file: BinaryIO, form: Format, count: int) -> Sequence[list[str]]:
    """The first rows of a file."""
    return list(islice(rows(file, form), count))
