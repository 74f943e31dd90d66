"""How often we write to one person from one number: what would be too much waits before its platform refuses it."""

from bisect import insort
from collections.abc import Mapping, Sequence
from itertools import groupby
from uuid import UUID

from inbox.channels.base import Pair, Platforms
from inbox.messages.outgoing.repository import OutgoingRepository
from inbox.messages.reporting import SEND
from kit.db.database import Row, Transaction
from kit.ledger import rows as ledger_rows
from kit.ledger.model import Entry, NotAccepted

Sent = tuple[Entry, Row]
"""What is to leave now: its effect, and its message as `MessageRepository.to_send` has it."""


async def too_soon(tx: Transaction, platforms: Platforms, several: Sequence[Sent]) -> Mapping[UUID, NotAccepted]:
    """By effect, those that have to wait, and until when: so much has left to the same person already."""
    found: dict[UUID, NotAccepted] = {}
    by_kind = sorted(several, key=lambda one: str(one[1]["channel_kind"]))
    for kind, same in groupby(by_kind, key=lambda one: str(one[1]["channel_kind"])):
        platform = platforms.get(kind)
        if platform is not None and platform.capabilities.pair is not None:
            found |= await _of(tx, platform.capabilities.pair, list(same))
    return found


async def _of(tx: Transaction, pair: Pair, several: Sequence[Sent]) -> dict[UUID, NotAccepted]:
    talks = {row["conversation_id"] for _, row in several}
    often = await OutgoingRepository(tx).often(talks, pair.burst, pair.within)
    if not often:
        return {}
    ours = {entry.subject_id for entry, _ in several}
    others = [each for talk in often for each in talk["message_ids"] if each not in ours]
    called, found = await ledger_rows.called(tx, SEND, others), dict[UUID, NotAccepted]()
    for talk in often:
        times = sorted([*talk["broadcasts"], *(called[each] for each in talk["message_ids"] if each in called)])
        own = [entry for entry, row in several if row["conversation_id"] == talk["conversation_id"]]
        for entry in sorted(own, key=lambda one: (one.called_at, one.id)):
            free_at = pair.free_at(times, entry.called_at)
            if free_at is None:
                insort(times, entry.called_at)
                continue
            wait = (free_at - entry.called_at).total_seconds()
            found[entry.id] = NotAccepted(_TOO_OFTEN, code="pair-rate", retry_after=wait)
    return found


_TOO_OFTEN = "So much has been written to this person just now that the platform would refuse more; it leaves later."
