"""Files are split into lines by blocks, and come to what they come to line by line."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.imports.errors import FileRefused
from inbox.imports.files import columns_of
from inbox.imports.model import Options, Taken
from inbox.imports.reading import LONGEST_LINE, Format, rows

CSV = Format("csv", "utf-8", ",")
PIECES = st.sampled_from(
    [
        *(b"a,b\r\n", b"a,b\n", b"a,b\r", b"\r\n", b"\n", b"\r", "ä,€\n".encode(), b'"x\r\ny",1\r\n', b'"\r","\n"\n'),
        *(b"z" * (LONGEST_LINE // 16 - 1) + b",1\r\n", b"z" * (LONGEST_LINE // 16) + b"\r\n"),
    ]
)


def line_by_line(content: bytes) -> list[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    return list(csv.reader(iter(text.readline, "")))


@settings(max_examples=60)
@given(st.lists(PIECES, max_size=30), st.sampled_from([b"", b"end", b"e,nd"]))
def test_rows_are_the_same_wherever_a_block_ends(pieces: list[bytes], end: bytes) -> None:
    content = b"".join([*pieces, end])
    assert list(rows(io.BytesIO(content), CSV)) == line_by_line(content)


@pytest.mark.parametrize("before", [0, 1, 5000])
@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"a,\0\n", "nul-bytes"),
        (b"a\0" + b"z" * 200_000 + b"\n", "nul-bytes"),
        (b"z" * (LONGEST_LINE + 1) + b"\n", "line-too-long"),
        (b"z" * 3_000_000, "line-too-long"),
    ],
)
def test_what_is_refused_is_refused_at_its_row(before: int, line: bytes, why: str) -> None:
    found, taken = rows(io.BytesIO(b"name,1\r\n" * before + line + b"name,1\n" * 10), CSV), 0
    with pytest.raises(FileRefused) as refused:
        for cells in found:
            assert cells == ["name", "1"]
            taken += 1
    assert (refused.value.why, refused.value.row, taken) == (why, before + 1, before)


@given(
    st.lists(st.lists(st.text(max_size=3), max_size=4), max_size=600),
    st.lists(st.integers(min_value=0, max_value=5), min_size=1, max_size=4),
)
def test_columns_are_taken_as_cells_would_be(found: list[list[str]], places: list[int]) -> None:
    options = Options([Taken(at, "name") for at in places], "skip", "", False, False)
    cells = [[row[at] if at < len(row) else "" for at in places] for row in found]
    assert options.taking(iter(found)) == [[row[at] for row in cells] for at in range(len(places))]


def test_chunks_of_an_earlier_version_are_read() -> None:
    assert columns_of(b'[["Ann","+49"],["Bob",""]]') == columns_of(b'{"columns":[["Ann","Bob"],["+49",""]]}')
