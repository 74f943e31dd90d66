"""An exported audit trail: an organization's entries without gaps, each proven to be in the log.

NDJSON: a header (signed: whose entries, from where to where, under which checkpoint), the entries with their proofs,
and an end with the signed checkpoint. Sequence number and organization stand within the bytes that are hashed.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from rostrum_verifier.log import (
    EMPTY,
    Checkpoint,
    Key,
    Rejected,
    consistent,
    included,
    leaf_hash,
    number,
    opened,
    unpacked,
)

FORM: Final = "rostrum-audit-bundle/v1"
LONGEST_LINE: Final = 65_536

_HEADER: Final = re.compile(
    r"rostrum-audit-bundle/v1\n(?P<origin>[^\n]+)\norganization (?P<organization>[0-9a-f-]{36})\n"
    r"sequences (?P<first>\d+) (?P<last>\d+) of (?P<newest>\d+)\ncount (?P<count>\d+)\n"
    r"checkpoint (?P<size>\d+) (?P<root>[A-Za-z0-9+/=]+)\n\Z"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the exact bytes that were hashed, and its place in the log."""

    sequence: int
    position: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that holds in itself. `newest` is the organization's last sequence number under the checkpoint."""

    organization: str
    first: int
    last: int
    newest: int
    checkpoint: Checkpoint
    entries: tuple[Entry, ...]
    consistency: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was proven."""

    origin: str
    organization: str
    first: int
    last: int
    newest: int
    count: int
    size: int
    older_size: int | None

    @property
    def whole(self) -> bool:
        """Whether these are all entries the organization has under the checkpoint."""
        return self.first <= 1 and self.last == self.newest


def check(
    bundles: Sequence[Iterable[str]],
    keys: Sequence[Key],
    *,
    organization: str | None = None,
    older: Bundle | Checkpoint | None = None,
) -> Checked:
    """Verify bundles that follow one another under one checkpoint, and that the log goes on from an older one.

    Raises:
        Rejected: anything does not hold.
    """
    pages = [read(lines, keys) for lines in bundles]
    for before, page in pairwise(pages):
        _follow(before, page)
    first, last = pages[0], pages[-1]
    if organization is not None and first.organization != organization.lower():
        raise Rejected(f"these are the entries of {first.organization}, and not of {organization}")
    if older is not None:
        for page in pages:
            continues(page, older, proof_of=first)
    return Checked(
        origin=first.checkpoint.origin,
        organization=first.organization,
        first=first.first,
        last=last.last,
        newest=first.newest,
        count=sum(len(page.entries) for page in pages),
        size=first.checkpoint.size,
        older_size=None if older is None else _checkpoint(older).size,
    )


def read(lines: Iterable[str], keys: Sequence[Key]) -> Bundle:
    """The bundle, if all of it holds: signatures, proofs, and no gap from its first to its last entry.

    Raises:
        Rejected: anything does not hold.
    """
    parts = [_part(line, place) for place, line in enumerate(lines, 1)]
    if len(parts) < 2 or parts[0].get("type") != "header" or parts[-1].get("type") != "end":
        raise Rejected("the bundle is cut off: it does not reach from its header to its end")
    told = _header(_text(parts[0], "note"), keys)
    origin = told["origin"]
    checkpoint = Checkpoint.from_note(_text(parts[-1], "checkpoint"), keys)
    if checkpoint.origin != origin:
        raise Rejected(f"header and end are of different logs: {origin} and {checkpoint.origin}")
    first, last, newest, count = (number(told[name]) for name in ("first", "last", "newest", "count"))
    if (number(told["size"]), unpacked(told["root"])) != (checkpoint.size, checkpoint.root):
        raise Rejected("header and end are of different checkpoints")
    if first < 1 or count != last - first + 1 or last > newest:
        raise Rejected("the header contradicts itself")
    if len(parts) - 2 != count:
        raise Rejected(f"the header promises {count} entries, and there are {len(parts) - 2}")
    entries = tuple(
        _entry(part, first + place, told["organization"], checkpoint) for place, part in enumerate(parts[1:-1])
    )
    for before, entry in pairwise(entries):
        if entry.position <= before.position:
            raise Rejected(f"entry {entry.sequence} stands before entry {before.sequence} in the log")
    return Bundle(told["organization"], first, last, newest, checkpoint, entries, _consistency(parts[-1]))


def continues(bundle: Bundle, older: Bundle | Checkpoint, *, proof_of: Bundle | None = None) -> None:
    """See to it that the log only grew since an older checkpoint or bundle that you kept.

    Raises:
        Rejected: the log was cut, forked or rewritten since, or nothing proves that it was not.
    """
    before, now = _checkpoint(older), bundle.checkpoint
    if before.origin != now.origin:
        raise Rejected(f"the older checkpoint is of {before.origin}, and not of {now.origin}")
    if before.size > now.size:
        raise Rejected(f"the log was cut: it had {before.size} entries and has {now.size}")
    proof = (proof_of or bundle).consistency.get(before.size)
    if proof is None and 0 < before.size < now.size:
        raise Rejected(f"nothing proves that the log goes on from yours: ask for older_size={before.size}")
    grew = consistent(before.size, before.root, now.size, now.root, proof or ())
    if not grew and (before.size, before.root) != (0, EMPTY):
        raise Rejected(f"the log was forked or rewritten: its first {before.size} entries are not those it had")
    if isinstance(older, Bundle):
        _keeps(bundle, older)


def _keeps(bundle: Bundle, older: Bundle) -> None:
    """What the older bundle holds is still there, and what is new came later."""
    if bundle.organization != older.organization:
        raise Rejected(f"the older bundle is of organization {older.organization}")
    if bundle.newest < older.newest:
        raise Rejected(f"entries are gone: there were {older.newest} and now {bundle.newest}")
    known = {entry.sequence: entry for entry in older.entries}
    for entry in bundle.entries:
        if known.get(entry.sequence, entry) != entry:
            raise Rejected(f"entry {entry.sequence} is not the one it was")
        if (entry.sequence <= older.newest) != (entry.position < older.checkpoint.size):
            raise Rejected(f"entry {entry.sequence} was put in, or left out, after the fact")


def _checkpoint(older: Bundle | Checkpoint) -> Checkpoint:
    return older.checkpoint if isinstance(older, Bundle) else older


def _follow(before: Bundle, page: Bundle) -> None:
    if page.organization != before.organization:
        raise Rejected("the bundles are of different organizations")
    if page.checkpoint != before.checkpoint or page.newest != before.newest:
        size = before.checkpoint.size
        raise Rejected(f"the bundles are of different checkpoints: ask for all of them with size={size}")
    if page.first != before.last + 1:
        raise Rejected(f"entries {before.last + 1} to {page.first - 1} are missing between two bundles")
    if before.entries and page.entries and page.entries[0].position <= before.entries[-1].position:
        raise Rejected(f"entry {page.first} stands before entry {before.last} in the log")


def _header(note: str, keys: Sequence[Key]) -> Mapping[str, str]:
    text, signer = opened(note, keys)
    told = _HEADER.match(text)
    if told is None:
        raise Rejected("the header has another form")
    if told["origin"] != signer.name:
        raise Rejected(f"the bundle is of {told['origin']}, and not of {signer.name}")
    return told.groupdict()


def _entry(part: Mapping[str, Any], sequence: int, organization: str, checkpoint: Checkpoint) -> Entry:
    if part.get("type") != "entry":
        raise Rejected(f"where entry {sequence} should be is something else")
    leaf, position = _text(part, "leaf").encode(), part.get("position")
    if type(position) is not int:
        raise Rejected(f"entry {sequence} has no position")
    said = _said(leaf, sequence)
    if said.get("sequence") != sequence:
        raise Rejected(f"entry {sequence} is missing: in its place is {said.get('sequence')!r}")
    if said.get("organization") != organization:
        raise Rejected(f"entry {sequence} belongs to another organization")
    if not included(leaf_hash(leaf), position, checkpoint.size, _hashes(part.get("proof")), checkpoint.root):
        raise Rejected(f"entry {sequence} is not what stands in the log: it was changed, moved or never there")
    return Entry(sequence, position, leaf)


def _said(leaf: bytes, sequence: int) -> dict[str, Any]:
    """What an entry says; only the one canonical form is taken, so that it cannot be read in two ways."""
    try:
        said = json.loads(leaf)
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    except (ValueError, RecursionError) as error:
        raise Rejected(f"entry {sequence} is not JSON") from error
    if not isinstance(said, dict) or canonical != leaf:
        raise Rejected(f"entry {sequence} is not in canonical form")
    return said


def _consistency(end: Mapping[str, Any]) -> dict[int, tuple[bytes, ...]]:
    told = end.get("consistency")
    if told is None:
        return {}
    if not isinstance(told, dict) or type(told.get("from_size")) is not int:
        raise Rejected("the proof of consistency has another form")
    return {told["from_size"]: tuple(_hashes(told.get("proof")))}


def _hashes(proof: Any) -> list[bytes]:
    if not isinstance(proof, list) or len(proof) > 64 or not all(isinstance(each, str) for each in proof):
        raise Rejected("a proof has another form")
    return [unpacked(each) for each in proof]


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str):
        raise Rejected(f"{name} is missing")
    return value


def _part(line: str, place: int) -> dict[str, Any]:
    try:
        part = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError) as error:
        raise Rejected(f"line {place} is not JSON; is the bundle cut off?") from error
    if not isinstance(part, dict):
        raise Rejected(f"line {place} is not a JSON object")
    return part
