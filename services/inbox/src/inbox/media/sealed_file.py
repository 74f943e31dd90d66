"""The form of a sealed file: chunks of AES-256-GCM that can be read from anywhere but not be cut, moved or mixed.

A head (the form) is followed by chunks of 64 KiB, each with its tag; the last may be shorter, and is empty only when
the whole content is. The nonce of a chunk is its number and whether it is the last (the STREAM construction), so a
key must seal one content only. The associated data are head and name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.seal import SealBroken

HEAD: Final = b"rostrum-file\x01"
CHUNK: Final = 64 * 1024
_TAG: Final = 16
_SEALED: Final = CHUNK + _TAG


def sealed(content: bytes, key: bytes, name: bytes) -> Iterator[bytes]:
    """The file piece by piece; the key (32 bytes) must never seal anything else."""
    aead, view, last = AESGCM(key), memoryview(content), max(0, len(content) - 1) // CHUNK
    yield HEAD
    for number in range(last + 1):
        chunk = view[number * CHUNK : (number + 1) * CHUNK]
        yield aead.encrypt(_nonce(number, last=number == last), chunk, HEAD + name)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that was opened: its last chunk has proved how long it is."""

    size: int
    _aead: AESGCM = field(repr=False)
    _bound: bytes = field(repr=False)
    _last: int

    @classmethod
    def open(cls, file: BinaryIO, key: bytes, name: bytes) -> "SealedFile":
        """Look at the head and the last chunk.

        Raises:
            SealBroken: another form, key or name; or something is missing at the end or was added.
        """
        file.seek(0)
        if file.read(len(HEAD)) != HEAD:
            raise SealBroken
        last, rest = divmod(file.seek(0, 2) - len(HEAD) - 1, _SEALED)
        size = last * CHUNK + rest + 1 - _TAG
        if last < 0 or rest + 1 < _TAG or (rest + 1 == _TAG and last > 0):
            raise SealBroken
        opened = cls(size, AESGCM(key), HEAD + name, last)
        opened._chunk(file, last)
        return opened

    def read(self, file: BinaryIO, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`; only the chunks they lie in are opened.

        Raises:
            SealBroken: one of these chunks was changed, moved or taken away.
        """
        end = min(end, self.size)
        if start >= end:
            return b""
        first = start // CHUNK
        found = b"".join(self._chunk(file, number) for number in range(first, (end - 1) // CHUNK + 1))
        return found[start - first * CHUNK : end - first * CHUNK]

    def _chunk(self, file: BinaryIO, number: int) -> bytes:
        file.seek(len(HEAD) + number * _SEALED)
        try:
            return self._aead.decrypt(_nonce(number, last=number == self._last), file.read(_SEALED), self._bound)
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
