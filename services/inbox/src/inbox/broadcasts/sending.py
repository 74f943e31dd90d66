"""One message of a broadcast on its way out: what the ledger calls, and what becomes of its recipient by it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.broadcasts.composing import Letter, letters
from inbox.broadcasts.facts import stop
from inbox.broadcasts.links.model import LINK, Links
from inbox.broadcasts.model import ENDED, Broadcast, Class, State
from inbox.broadcasts.people import Somebody, people
from inbox.broadcasts.permission import forbidden, stands_against
from inbox.broadcasts.recipients.repository import Outcome, RecipientRepository
from inbox.broadcasts.repository import BroadcastRepository
from inbox.broadcasts.senders.braking import Braking
from inbox.channels.base import Line, Outgoing, Platform, Platforms
from inbox.channels.health import suffer
from inbox.consent.model import Wish
from inbox.consent.recording import Recorder, refused
from inbox.contacts.blind import blind_of
from inbox.contacts.recognizing import subject
from inbox.messages.content import PROVIDER_ID, TOKEN
from inbox.templates.errors import TemplateValuesWrong
from inbox.templates.model import SENDABLE
from inbox.templates.repository import TemplateRepository
from inbox.tenants import by_organization
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Receipt, Refused, Settled
from kit.ledger.model import Status as Effected
from kit.seal import Keyring

BROADCAST: Final = "inbox.broadcast"
UNCONFIRMED_AFTER: Final = 3600.0
"""Seconds after which it is said of a call without an answer or a report that nobody knows; it is never repeated."""
_LATER: Final = 600.0
_BREATH: Final = 32
"""After so many of a block others have their turn: on a fast number a call may be no more than 20 ms late."""
_TIMING: Final = Timing(
    call_within=20.0,
    looks_after=(60.0, 300.0, 900.0),
    absent_after=None,
    unconfirmed_after=UNCONFIRMED_AFTER,
    give_up_after=7 * 86_400.0,
)
OF_TEMPLATE: Final = frozenset({"132001", "132007", "132015", "132016", "132068"})
"""The platform's codes that say of a template that it cannot be sent: they stop the broadcast, not a recipient."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What one call takes; with an obstacle it is not made."""

    kind: str
    outgoing: Outgoing | None = field(default=None, repr=False)
    obstacle: Refused | NotAccepted | None = None


@dataclass(frozen=True, slots=True)
class BroadcastKind:
    """`inbox.broadcast`: one recipient of one broadcast.

    Whether they may be written to is asked here, at the last moment. Platforms cannot be asked whether they took it:
    a report that brings our id back settles it, or it ends unconfirmed.
    """

    platforms: Platforms
    keyring: Keyring
    braking: Braking
    links: Links
    name: str = BROADCAST
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Sending]:
        """Content, recipient and token of each, or what stands against it."""
        works: dict[UUID, Sending] = {}
        async for _, own in by_organization(tx, entries):
            rows = await RecipientRepository(tx).to_send([each.subject_id for each in own])
            broadcasts = await BroadcastRepository(tx).several(list({row["broadcast_id"] for row in rows}))
            lines = await RecipientRepository(tx).lines(broadcasts)
            made = {each.id: letters(each) for each in broadcasts.values()}
            stopped = await _stopped(tx, [one for several in made.values() for one in several])
            barred = await self._refused(tx, rows, broadcasts, lines)
            whose = {row["contact_id"] for row in rows}
            await self.keyring.prepare(tx.organization_id, {subject(each) for each in whose})  # for `record`, too
            known = await people(tx, self.keyring, whose)
            tokens = await self._tokens(tx, lines.values())
            for place, (entry_id, row) in enumerate(_by_entry(own, rows), 1):
                who, line = known.get(row["contact_id"], Somebody()), lines[row["broadcast_id"]]
                broadcast, letter = broadcasts[row["broadcast_id"]], made[row["broadcast_id"]][row["variant"]]
                at = _At(stopped, barred, who, line, tokens.get(line["token_sealed"], ""))
                works[entry_id] = self._work(row, broadcast, letter, at)
                if not place % _BREATH:
                    await asyncio.sleep(0)
        return works

    async def _refused(
        self, tx: Transaction, rows: Sequence[Row], broadcasts: Mapping[UUID, Broadcast], lines: Mapping[UUID, Row]
    ) -> Mapping[UUID, Mapping[UUID, str]]:
        """By broadcast, who does not want it."""
        found: dict[UUID, Mapping[UUID, str]] = {}
        for broadcast in broadcasts.values():
            contacts = [row["contact_id"] for row in rows if row["broadcast_id"] == broadcast.id]
            found[broadcast.id] = await forbidden(tx, lines[broadcast.id]["kind"], contacts, broadcast.purpose)
        return found

    async def _tokens(self, tx: Transaction, lines: Collection[Row]) -> dict[bytes, str]:
        sealed = list({line["token_sealed"] for line in lines if line["token_sealed"] is not None})
        opened = (
            await self.keyring.open_many(tx.organization_id, [(each, TOKEN) for each in sealed]) if sealed else []
        )
        return {each: token.decode() for each, token in zip(sealed, opened, strict=True) if token is not None}

    def _work(self, row: Row, broadcast: Broadcast, letter: Letter, at: "_At") -> Sending:
        kind = at.line["kind"]
        platform = self.platforms.get(kind)
        obstacle = _obstacle(row, broadcast, letter, at)
        if platform is None or obstacle is not None:
            return Sending(kind, obstacle=obstacle or Refused("No such channel.", code="channel-disconnected"))
        to = at.who.reached(platform.capabilities.reached_by)
        if to is None:
            gone = "Nothing is known by which the contact can be reached on this channel."
            return Sending(kind, obstacle=Refused(gone, code="contact-unreachable"))
        values = {
            **at.who.values,
            "channel.name": at.line["display_name"],
            "channel.number": at.line["display_number"],
            LINK: self.links.of(row["id"]) if letter.variant.link else "",
        }
        try:
            said = letter.content({name: value for name, value in values.items() if value})
        except TemplateValuesWrong:
            wrong = "A variable of the template has neither a value nor a fallback for this contact."
            return Sending(kind, obstacle=Refused(wrong, code="value-missing"))
        line = Line(at.line["phone_number_id"], at.token)
        sort = "text" if letter.template_id is None else "template"
        return Sending(kind, Outgoing(row["id"], line, to, sort, said))

    async def call(self, entry: Entry, work: Sending) -> Receipt:
        """Send it, once."""
        if work.outgoing is None:
            raise work.obstacle or Refused("This cannot be sent.")
        try:
            provider_id = await self.platforms[work.kind].send(work.outgoing, entry.attempt)
        except Refused as refusal:
            if refusal.code in OF_TEMPLATE:
                raise NotAccepted(
                    refusal.reason, code=refusal.code, said=refusal.said, retry_after=_LATER
                ) from refusal
            raise
        return Receipt(result=provider_id, said="status 200")

    async def look(self, entry: Entry, work: Sending) -> Look:
        """There is nothing to look at: only a report decides."""
        _ = entry, work
        return NotFound("the platform cannot be asked")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry outcomes into recipients, set-based, and what is said of the number or template into those."""
        async for _, own in by_organization(tx, settled):
            recipients = RecipientRepository(tx)
            rows = await recipients.of([each.entry.subject_id for each in own])
            there = [each for each in own if each.entry.subject_id in rows]
            outcomes = await self._outcomes(tx, there, rows)
            if outcomes:
                await recipients.settle(outcomes)
            again = [each.entry.subject_id for each in there if each.status is Effected.PENDING]
            if again:
                await recipients.reopen(again)
            await Recorder(self.keyring).record(tx, _unwanted(there, rows))
            await self._troubles(tx, there, rows)

    async def _outcomes(self, tx: Transaction, settled: Sequence[Settled], rows: Mapping[UUID, Row]) -> list[Outcome]:
        done = [each for each in settled if each.status is Effected.DONE and isinstance(each.result, str)]
        ids = await self._provider_ids(tx, done, rows)
        return [
            outcome
            for each in settled
            if (outcome := self._outcome(each, ids.get(each.entry.subject_id))) is not None
        ]

    async def _provider_ids(
        self, tx: Transaction, done: Sequence[Settled], rows: Mapping[UUID, Row]
    ) -> dict[UUID, tuple[bytes, bytes | None]]:
        """The platform's ids, hashed and sealed under the key of whom they name."""
        if not done:
            return {}
        blind = await blind_of(self.keyring, tx.organization_id)
        found: dict[UUID, tuple[bytes, bytes | None]] = {}
        for begin in range(0, len(done), _BREATH):
            part = done[begin : begin + _BREATH]
            told = [
                (subject(rows[each.entry.subject_id]["contact_id"]), each.result.encode(errors="surrogatepass"))
                for each in part
            ]
            sealed = await self.keyring.seal_each(
                tx.organization_id, [(whose, value, PROVIDER_ID) for whose, value in told]
            )
            for each, kept in zip(part, sealed, strict=True):
                found[each.entry.subject_id] = (blind("message", each.result), kept)
            await asyncio.sleep(0)
        return found

    def _outcome(self, settled: Settled, ids: tuple[bytes, bytes | None] | None) -> Outcome | None:
        recipient_id, at = settled.entry.subject_id, settled.at
        blind, sealed = ids or (None, None)
        match settled.status:
            case Effected.DONE:
                return Outcome(recipient_id, "sent", at, provider_blind=blind, provider_sealed=sealed)
            case Effected.REFUSED:
                sort = self._class(settled)
                state = "skipped" if sort == "consent" else "failed"
                return Outcome(recipient_id, state, at, settled.code, sort)
            case Effected.UNKNOWN:
                return Outcome(recipient_id, "unknown", at)
            case Effected.UNCONFIRMED:
                return Outcome(recipient_id, "unconfirmed", at, "unconfirmed", "unconfirmed")
        return None

    def _class(self, settled: Settled) -> Class:
        return class_of(self.platforms.get(settled.entry.lane_key.partition(":")[0]), settled.code)

    async def _troubles(self, tx: Transaction, settled: Sequence[Settled], rows: Mapping[UUID, Row]) -> None:
        """What the platform said of the number and of the template."""
        codes = [each.code for each in settled if each.code]
        if not codes:
            return
        broadcasts = await BroadcastRepository(tx).several(
            list({rows[each.entry.subject_id]["broadcast_id"] for each in settled})
        )
        for broadcast in sorted(broadcasts.values(), key=lambda one: one.id):
            own = [each for each in settled if rows[each.entry.subject_id]["broadcast_id"] == broadcast.id]
            stopped = next((each.code for each in own if each.code in OF_TEMPLATE), None)
            if stopped is not None:
                await stop(tx, broadcast.id, f"template:{stopped}")
            await self.braking.on(tx, broadcast.channel_id, [each.code for each in own if each.code])
            for each in own:
                if each.status is Effected.PENDING:
                    await suffer(tx, self.platforms, broadcast.channel_id, each)
                    break


def _unwanted(settled: Sequence[Settled], rows: Mapping[UUID, Row]) -> list[Wish]:
    """What refusals tell of what contacts want."""
    return [
        wish
        for each in settled
        if each.status is Effected.REFUSED
        for wish in refused(
            rows[each.entry.subject_id]["contact_id"], each.entry.lane_key.partition(":")[0], each.code, each.at
        )
    ]


@dataclass(frozen=True, slots=True)
class _At:
    """What is known at the moment of sending."""

    stopped: Mapping[UUID, str]
    refused: Mapping[UUID, Mapping[UUID, str]]
    who: Somebody
    line: Row
    token: str = field(repr=False)


def _obstacle(row: Row, broadcast: Broadcast, letter: Letter, at: _At) -> Refused | NotAccepted | None:
    """What stands against sending this now."""
    if broadcast.state in ENDED:
        return Refused("The broadcast was cancelled.", code="cancelled")
    if at.line["state"] != "connected" or not at.token:
        return Refused("The channel was disconnected before this left.", code="channel-disconnected")
    if broadcast.state is not State.RUNNING:
        return NotAccepted("The broadcast is paused.", code="broadcast-paused", retry_after=_LATER)
    if letter.template_id is not None and letter.template_id in at.stopped:
        return NotAccepted("The template is stopped.", code="132015", retry_after=_LATER)
    return _of_contact(row, broadcast, at)


def _of_contact(row: Row, broadcast: Broadcast, at: _At) -> Refused | NotAccepted | None:
    """What stands against writing to them now."""
    if at.who.forgotten:
        return Refused("The contact was forgotten.", code="contact-forgotten")
    if code := stands_against(row, at.refused[broadcast.id]):
        return Refused("The contact does not want this.", code=code)
    resting = _rests(row, broadcast, at.line["now"])
    if resting is not None:
        wait = (resting - at.line["now"]).total_seconds() + 1.0
        return NotAccepted("It is night where the contact is.", code="quiet-hours", retry_after=wait)
    return None


def _rests(row: Row, broadcast: Broadcast, now: datetime) -> datetime | None:
    if broadcast.quiet is None or broadcast.kind == "test":
        return None
    return broadcast.quiet.until(now, row["zone"] or broadcast.zone)


def _by_entry(entries: Sequence[Entry], rows: Sequence[Row]) -> list[tuple[UUID, Row]]:
    by_id = {row["id"]: row for row in rows}
    return [(each.id, by_id[each.subject_id]) for each in entries if each.subject_id in by_id]


async def _stopped(tx: Transaction, several: Sequence[Letter]) -> dict[UUID, str]:
    """Those of these templates that cannot be sent just now."""
    ids = {each.template_id for each in several if each.template_id is not None}
    if not ids:
        return {}
    found = await TemplateRepository(tx).statuses(list(ids))
    return {
        template_id: found.get(template_id, "deleted")
        for template_id in ids
        if found.get(template_id) not in SENDABLE
    }


def class_of(platform: Platform | None, code: str) -> Class:
    """What sort of reason a code is."""
    if code in ("contact-opted-out", "contact-blocked", "131050") or code.startswith("consent"):
        return "consent"
    if code == "cancelled":
        return "cancelled"
    if code == "value-missing":
        return "our_bug"
    return "our_bug" if platform is None else platform.errors.told(code).sort
