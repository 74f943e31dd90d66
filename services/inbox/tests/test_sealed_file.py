"""The form of a sealed file: whatever was done to it is noticed."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.media.ranges import Unsatisfiable, chosen
from inbox.media.sealed_file import CHUNK, HEAD, SealedFile, sealed
from kit.seal import SealBroken

KEY, NAME = bytes(range(32)), b"name"
BORDERS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK]
sizes = st.one_of(st.sampled_from(BORDERS), st.integers(0, 3 * CHUNK + 5))
CONTENT = os.urandom(3 * CHUNK + 5)
SEALED = CHUNK + 16


def opened(written: bytes, key: bytes = KEY, name: bytes = NAME) -> bytes:
    """Everything that is in a file."""
    file = io.BytesIO(written)
    found = SealedFile.open(file, key, name)
    return found.read(file, 0, found.size)


def pieces(size: int) -> list[bytes]:
    return list(sealed(CONTENT[:size], KEY, NAME))


def refused(written: bytes, key: bytes = KEY, name: bytes = NAME) -> None:
    with pytest.raises(SealBroken):
        opened(written, key, name)


@given(sizes, st.data())
def test_any_content_comes_back_whole_and_in_any_part(size: int, data: st.DataObject) -> None:
    file = io.BytesIO(b"".join(pieces(size)))
    found = SealedFile.open(file, KEY, NAME)
    assert (found.size, found.read(file, 0, size)) == (size, CONTENT[:size])
    start = data.draw(st.one_of(st.sampled_from(BORDERS), st.integers(0, size + 9)))
    end = data.draw(st.one_of(st.sampled_from(BORDERS), st.integers(0, size + 9)))
    assert found.read(file, start, end) == CONTENT[:size][start:end]


@given(sizes, st.data())
def test_any_flipped_bit_is_refused(size: int, data: st.DataObject) -> None:
    written = bytearray(b"".join(pieces(size)))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= 1 << data.draw(st.integers(0, 7))
    refused(bytes(written))


@given(sizes, st.data())
def test_any_truncation_and_any_addition_is_refused_when_it_is_opened(size: int, data: st.DataObject) -> None:
    written = b"".join(pieces(size))
    ends = [len(HEAD) + number * SEALED for number in range(len(pieces(size)) - 1)]
    end = data.draw(st.one_of(st.sampled_from([0, *ends]), st.integers(0, len(written) - 1)))
    for changed in (written[:end], written + CONTENT[: data.draw(st.integers(1, 40))]):
        with pytest.raises(SealBroken):
            SealedFile.open(io.BytesIO(changed), KEY, NAME)


@pytest.mark.parametrize("size", [2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK])
def test_a_chunk_that_was_moved_taken_away_or_doubled_is_refused(size: int) -> None:
    head, *chunks = pieces(size)
    count = len(chunks)
    changed = [[*chunks[:at], *chunks[at + 1 :]] for at in range(count)]
    changed += [[*chunks[: at + 1], *chunks[at:]] for at in range(count)]
    changed += [[*chunks[:at], chunks[at + 1], chunks[at], *chunks[at + 2 :]] for at in range(count - 1)]
    for each in changed:
        refused(head + b"".join(each))
    assert opened(head + b"".join(chunks)) == CONTENT[:size]


def test_a_chunk_of_another_file_is_refused() -> None:
    head, first, second = pieces(CHUNK + 9)
    other = list(sealed(CONTENT[: CHUNK + 9], bytes(32), NAME))
    refused(head + other[1] + second)
    refused(head + first + other[2])


@pytest.mark.parametrize("size", [0, 10, CHUNK])
def test_another_key_or_another_name_is_refused(size: int) -> None:
    written = b"".join(pieces(size))
    refused(written, key=bytes(32))
    refused(written, name=b"else")


def test_only_the_chunks_that_are_asked_for_are_opened() -> None:
    head, first, second, last = pieces(2 * CHUNK + 5)
    file = io.BytesIO(head + bytes(len(first)) + second + last)
    found = SealedFile.open(file, KEY, NAME)
    assert found.read(file, CHUNK, CHUNK + 3) == CONTENT[CHUNK : CHUNK + 3]
    with pytest.raises(SealBroken):
        found.read(file, CHUNK - 1, CHUNK + 3)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (None, None),
        ("bytes=0-3", (0, 4)),
        ("bytes=5-", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=9-99", (9, 10)),
        ("bytes=0-1,4-5", None),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("chunks=0-3", None),
    ],
)
def test_the_part_that_is_asked_for(asked: str | None, part: tuple[int, int] | None) -> None:
    assert chosen(asked, 10) == part


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_part_behind_the_end_cannot_be_given(asked: str) -> None:
    with pytest.raises(Unsatisfiable):
        chosen(asked, 10)
