"""What is kept: answers with the generations they belong to, in the process and, sealed off by name, in Redis."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from gateway.cache.generations import Stamp
from gateway.problems import Header

MOST_BODY: Final = 128 * 1024
_OVERHEAD: Final = 600
_NEVER_KEPT: Final = frozenset(
    (
        *(b"cache-control", b"content-encoding", b"content-range", b"expires", b"pragma", b"set-cookie"),
        *(b"vary", b"warning", b"www-authenticate"),
    )
)
_FORM: Final = 1
"""Raised when what is written to Redis takes another form: other versions then find nothing of ours."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, and when and under which generations its service was asked for it."""

    stamp: Stamp
    asked_at: float
    headers: list[Header]
    body: bytes
    etag: bytes

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers) + _OVERHEAD


def may_be_kept(status: int, headers: Sequence[Header]) -> bool:
    """Whether an answer is a plain one; where its service itself speaks of keeping or of other readers, it is not."""
    if status != 200:
        return False
    for name, value in headers:
        if name in _NEVER_KEPT:
            return False
        if name == b"content-length" and not (value.isdigit() and int(value) <= MOST_BODY):
            return False
    return True


def entry_of(stamp: Stamp, asked_at: float, headers: Sequence[Header], body: bytes) -> Entry:
    """An answer to keep."""
    kept = [header for header in headers if header[0] not in (b"content-length", b"cache-control")]
    etag = next((value for name, value in kept if name == b"etag"), b"")
    return Entry(stamp, asked_at, kept, body, etag)


def packed(entry: Entry) -> bytes:
    """An entry as Redis keeps it."""
    texts = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in entry.headers]
    head = orjson.dumps([_FORM, [each.decode() for each in entry.stamp], texts])
    return head + b"\n" + entry.body


def unpacked(content: bytes, asked_at: float) -> Entry | None:
    """An entry from Redis, or None when it is of another form."""
    head, _, body = content.partition(b"\n")
    try:
        form, stamp, texts = orjson.loads(head)
        if form != _FORM:
            return None
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in texts]
        return entry_of(tuple(each.encode() for each in stamp), asked_at, headers, body)
    except (ValueError, TypeError, AttributeError):
        return None


class Memory:
    """Entries in the process, bounded in bytes and in number; the one unused for longest makes room."""

    def __init__(self, most_bytes: int, most_entries: int = 20_000) -> None:
        self._most_bytes = most_bytes
        self._most_entries = most_entries
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """What is kept under a key."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, unless it would crowd out the others or a later answer is kept already."""
        held = self._entries.get(key)
        if entry.size > self._most_bytes // 8 or (held is not None and held.asked_at > entry.asked_at):
            return
        self.drop(key)
        self._entries[key] = entry
        self.bytes += entry.size + len(key)
        while self._entries and (self.bytes > self._most_bytes or len(self._entries) > self._most_entries):
            self.drop(next(iter(self._entries)))

    def drop(self, key: str) -> None:
        """Keep it no longer."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry.size + len(key)
