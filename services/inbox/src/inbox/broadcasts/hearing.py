"""What comes back of a broadcast: reports of the platform, answers, presses of buttons, and who wants no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from inbox.broadcasts.composing import letters
from inbox.broadcasts.links.model import LINK
from inbox.broadcasts.model import Broadcast, Stand
from inbox.broadcasts.people import Somebody, people
from inbox.broadcasts.recipients.repository import Answer, Outcome, RecipientRepository
from inbox.broadcasts.repository import BroadcastRepository
from inbox.broadcasts.senders.braking import Braking
from inbox.broadcasts.sending import BROADCAST, class_of
from inbox.channels.model import Place
from inbox.consent.recording import Recorder, refused
from inbox.consent.words import wish
from inbox.messages.batch import Batch
from inbox.messages.content import Sealing
from inbox.messages.model import Content, Status
from inbox.messages.receiving import Heard
from inbox.messages.reporting import Told
from inbox.messages.repository import NewMessage
from inbox.templates.errors import TemplateValuesWrong
from kit.db.database import Row, Transaction
from kit.ledger.ledger import Ledger

ANSWERS: Final = timedelta(days=7)
"""For how long what somebody writes without quoting counts as an answer to the last broadcast they got."""
_STANDS: Final[Mapping[Status, Stand]] = {
    Status.SENT: Stand.SENT,
    Status.DELIVERED: Stand.DELIVERED,
    Status.READ: Stand.READ,
    Status.FAILED: Stand.FAILED,
}
_RANK: Final[Mapping[Stand, int]] = {Stand.SENT: 0, Stand.FAILED: 1, Stand.DELIVERED: 2, Stand.READ: 3}
_SHOWN: Final[Mapping[str, Status]] = {
    Stand.SENT: Status.SENT,
    Stand.DELIVERED: Status.DELIVERED,
    Stand.READ: Status.READ,
}
_BEFORE: Final = timedelta(microseconds=1)  # platforms tell seconds: an answer may seem as old as what it answers
_PRESSES: Final = frozenset({"button", "interactive"})


@dataclass(frozen=True, slots=True)
class Hearing:
    """Applies reports and answers to recipients, in the transaction of whoever takes in what the platform told."""

    ledger: Callable[[], Ledger]
    sealing: Sealing
    braking: Braking

    async def reported(self, tx: Transaction, place: Place, several: Sequence[Told]) -> None:
        """Reports that name a recipient: they also decide calls of which nobody knew."""
        recipients = RecipientRepository(tx)
        rows = await recipients.of({each.ours for each in several if each.ours is not None})
        own = _highest([each for each in several if each.ours in rows])
        if not own:
            return
        arrived = {ours: each.receipt for ours, each in own.items() if not each.failed}
        failed = {ours: (each.what.code, each.what.reason) for ours, each in own.items() if each.failed}
        if arrived:
            await self.ledger().found(tx, BROADCAST, arrived)
        if failed:
            await self.ledger().failed(tx, BROADCAST, failed)
        await recipients.settle([_outcome(place, ours, each) for ours, each in own.items()])
        wishes = [
            wished
            for ours, each in own.items()
            if each.failed
            for wished in refused(
                rows[ours]["contact_id"], place.platform.kind, each.what.code, each.what.provider_time
            )
        ]
        await Recorder(self.sealing.keyring).record(tx, wishes)
        codes = [each.what.code for each in own.values() if each.what.code]
        if codes:
            await self.braking.on(tx, place.channel_id, codes)

    async def answered(self, batch: Batch, place: Place, heard: Sequence[Heard]) -> None:
        """Somebody writes who got a broadcast lately: it is an answer, and what was sent stands before it.

        Until then a message of a broadcast stands in no conversation: a hundred thousand would bury all others.
        """
        tx, recipients = batch.tx, RecipientRepository(batch.tx)
        found = await recipients.lately_sent(
            place.channel_id, {each.contact_id for each in heard}, batch.now - ANSWERS
        )
        if not found:
            return
        first = {row["head"]: row for row in found if row["replied_at"] is None}
        answers = [
            Answer(row["id"], each.at, pressed=_pressed(each, row), opted_out=_ends(each))
            for each in heard
            if (row := next((one for one in found if one["head"] == each.contact_id), None)) is not None
        ]
        await recipients.answer(answers)
        came = {each.contact_id: each.at for each in reversed(heard)}
        await self._show(tx, batch, place, {whom: (row, came[whom]) for whom, row in first.items()})

    async def _show(
        self, tx: Transaction, batch: Batch, place: Place, rows: Mapping[UUID, tuple[Row, datetime]]
    ) -> None:
        """Write what was sent to these into their conversations."""
        if not rows:
            return
        ids = list({row["broadcast_id"] for row, _ in rows.values()})
        broadcasts = await BroadcastRepository(tx).several(ids)
        known = await people(tx, self.sealing.keyring, rows)
        for contact_id, (row, came) in rows.items():
            conversation = batch.with_whom(contact_id)
            broadcast = broadcasts.get(row["broadcast_id"])
            if conversation is None or broadcast is None or row["provider_blind"] in batch.known:
                continue
            content = _content(broadcast, row["variant"], known.get(contact_id, Somebody()))
            message = NewMessage(
                id=row["id"],
                conversation_id=conversation.id,
                channel_id=place.channel_id,
                direction="out",
                kind="template" if "template" in content.detail else "text",
                content_sealed=await self.sealing.content(tx.organization_id, row["contact_id"], content),
                provider_blind=row["provider_blind"],
                provider_sealed=row["provider_sealed"],
                reply_to_blind=None,
                provider_time=min(row["sent_at"], came - _BEFORE),
                sequence=conversation.last_sequence + 1,
                status=_SHOWN[row["state"]],
                owner_id=conversation.owner_of(row["contact_id"]),
            )
            batch.add(message)
            batch.save(replace(conversation, last_sequence=message.sequence))


def _content(broadcast: Broadcast, variant: int, who: Somebody) -> Content:
    values = {name: value for name, value in who.values.items() if value}
    one = letters(broadcast)[variant]
    try:
        return one.content(values | {LINK: one.variant.link})
    except TemplateValuesWrong:
        return Content(broadcast.name)


def _ends(heard: Heard) -> bool:
    return heard.said.opts == "out" or wish(heard.said.content.text or "") == "stop"


def _pressed(heard: Heard, row: Row) -> bool:
    quotes = heard.reply_to is not None and heard.reply_to == row["provider_blind"]
    return quotes and heard.said.kind in _PRESSES


def _highest(several: Sequence[Told]) -> dict[UUID, Told]:
    """Of each recipient the highest report."""
    found: dict[UUID, Told] = {}
    for each in several:
        if each.ours is None:
            continue
        before = found.get(each.ours)
        if before is None or _RANK[_STANDS[before.what.status]] < _RANK[_STANDS[each.what.status]]:
            found[each.ours] = each
    return found


def _outcome(place: Place, recipient_id: UUID, told: Told) -> Outcome:
    code = told.what.code if told.failed else ""
    sort = class_of(place.platform, code) if told.failed else ""
    return Outcome(
        recipient_id,
        _STANDS[told.what.status],
        told.what.provider_time,
        code,
        sort,
        provider_blind=told.what.provider_blind,
    )
