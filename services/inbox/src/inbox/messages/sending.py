"""Our messages on their way out: what the ledger calls, and what becomes of a message by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.allowances.counting import account_for
from inbox.channels.base import Identity, Line, Outgoing, Platform, Platforms, recipient
from inbox.channels.health import suffer
from inbox.consent.model import OF_CATEGORY, Answer, Asked
from inbox.consent.recording import Recorder, refused
from inbox.consent.repository import ConsentRepository
from inbox.contacts.blind import blind_of
from inbox.contacts.recognizing import IDENTITY
from inbox.contacts.repository import ContactRepository
from inbox.conversations.topics import of_conversation
from inbox.messages.content import CONTENT, PROVIDER_ID, TOKEN, Sealing, unpacked
from inbox.messages.model import Content, Status
from inbox.messages.outgoing.repository import OutgoingRepository
from inbox.messages.pairing import too_soon
from inbox.messages.reporting import SEND, catch_up
from inbox.messages.repository import MessageRepository, Standing
from inbox.messages.standing import rise, sent_fact, stand
from inbox.messages.wholes import Going
from inbox.templates.model import SENDABLE
from inbox.tenants import by_organization
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Found, Look, NotAccepted, NotFound, Receipt, Refused, Settled
from kit.ledger.model import Status as Effected
from kit.seal import Keyring

UNCONFIRMED_AFTER: Final = 3600.0
"""Seconds after which a message of which neither answer nor report came is shown as unconfirmed.

It is never sent again by itself, and a report that comes later still settles it.
"""

_TOO_LATE: Final = "More than 24 hours have passed since the contact last wrote; a template is needed."
_USED: Final[Mapping[Effected, int]] = {Effected.DONE: 1, Effected.REFUSED: 0}
"""What of the plan a message has used; of one that may have left it stays set aside, until a report decides it.

What a report has settled is counted by who applies reports, as the last thing (`Applying`)."""
_TIMING: Final = Timing(
    call_within=20.0, looks_after=(60.0, 300.0, 900.0), absent_after=None, unconfirmed_after=UNCONFIRMED_AFTER
)


@dataclass(frozen=True, slots=True)
class Sending:
    """What one call takes; with an obstacle it is not made."""

    kind: str
    outgoing: Outgoing | None = field(default=None, repr=False)
    obstacle: Refused | NotAccepted | None = None


@dataclass(frozen=True, slots=True)
class SendKind:
    """`inbox.send`: one message of ours to one contact.

    Platforms have no way to ask whether a message was taken. But they report every message they took, with the id
    that we put into it, and such a report settles a call that nobody answered.
    """

    platforms: Platforms
    keyring: Keyring
    going: Going
    name: str = SEND
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Sending]:
        """Content, recipient and token of each; the 24 hours, and how often we wrote, are looked at once more."""
        works: dict[UUID, Sending] = {}
        async for organization_id, own in by_organization(tx, entries):
            rows = {row["id"]: row for row in await MessageRepository(tx).to_send([each.subject_id for each in own])}
            known = await ContactRepository(tx).known_as([row["contact_id"] for row in rows.values()])
            answers = await ConsentRepository(tx).ask([_asked(row) for row in rows.values()])
            there = [(entry, rows[entry.subject_id]) for entry in own if entry.subject_id in rows]
            waits = await too_soon(tx, self.platforms, there)
            for entry, row in there:
                obstacle = _unwilling(answers.get(_asked(row), Answer())) or waits.get(entry.id)
                if obstacle is not None:
                    works[entry.id] = Sending(row["channel_kind"], obstacle=obstacle)
                    continue
                identities = [each for each in known if each["contact_id"] == row["contact_id"]]
                works[entry.id] = await self._work(organization_id, row, identities)
        return works

    async def _work(self, organization_id: UUID, row: Row, identities: Sequence[Row]) -> Sending:
        kind = row["channel_kind"]
        platform = self.platforms.get(kind)
        refusal = _refusal(row, platform)
        if platform is None or refusal is not None:
            return Sending(kind, obstacle=refusal)
        sealed = [(row["content_sealed"], CONTENT), (row["token_sealed"], TOKEN)]
        sealed += [(each["sealed"], IDENTITY) for each in identities]
        sealed += [(row["quoted_sealed"], PROVIDER_ID)] if row["quoted_sealed"] else []
        content, token, *others = await self.keyring.open_many(organization_id, sealed)
        said, values = unpacked(content), others[: len(identities)]
        known = [
            Identity(each["kind"], value.decode(errors="replace"))
            for each, value in zip(identities, values, strict=True)
            if value is not None
        ]
        to = recipient(known, platform.capabilities.reached_by)
        if said is not None and not _in_time(row, platform, said):
            return Sending(kind, obstacle=Refused(_TOO_LATE, code="window-closed"))
        if said is None or token is None or (identities and not known):
            return Sending(kind, obstacle=Refused("The contact was forgotten.", code="contact-forgotten"))
        if to is None:
            gone = "Nothing is known by which the contact can be reached on this channel."
            return Sending(kind, obstacle=Refused(gone, code="contact-unreachable"))
        quoted = others[len(identities)] if row["quoted_sealed"] else None
        line = Line(row["phone_number_id"], token.decode())
        words = "" if quoted is None else quoted.decode(errors="replace")
        return Sending(kind, Outgoing(row["id"], line, to, row["kind"], said, words))

    async def call(self, entry: Entry, work: Sending) -> Receipt:
        """Send it, once."""
        if work.outgoing is None:
            raise work.obstacle or Refused("This cannot be sent.")
        provider_id = await self.platforms[work.kind].send(work.outgoing, entry.attempt)
        return Receipt(result=provider_id, said="status 200")

    async def look(self, entry: Entry, work: Sending) -> Look:
        """There is nothing to look at, and only a report decides; but what lies with us is there."""
        platform = self.platforms.get(work.kind)
        if platform is not None and platform.capabilities.local and work.outgoing is not None:
            return Found(Receipt(result=await platform.send(work.outgoing, entry.attempt)))
        return NotFound("the platform cannot be asked")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry each outcome into its message; a refused token also into the health of its channel."""
        async for _, own in by_organization(tx, settled):
            in_order = sorted(own, key=lambda one: one.entry.subject_id)
            sent = await self._sent(tx, [each for each in in_order if each.status is Effected.DONE])
            for each in in_order:
                if each.entry.subject_id in sent:
                    continue
                standing = await MessageRepository(tx).lock_standing(each.entry.subject_id)
                if standing is not None:
                    await self._record(tx, standing, each)
                    self._wake(tx, each, standing.conversation_id)
            ended = [each for each in own if each.by != "report" and each.status in _USED]
            used = {each.entry.subject_id: _USED[each.status] for each in ended}
            if own:
                at = max(each.at for each in own)
                used |= await self.going.on(tx, [each.entry.subject_id for each in own], at)
            await account_for(tx, used)

    async def _sent(self, tx: Transaction, done: Sequence[Settled]) -> set[UUID]:
        """The usual case for all at once: the platform took them, and nothing was reported yet."""
        ids = {each.entry.subject_id: each for each in done if isinstance(each.result, str)}
        if not ids:
            return set()
        messages, organization_id = MessageRepository(tx), tx.organization_id
        blind, contacts = await blind_of(self.keyring, organization_id), await messages.contacts_of(ids)
        known = [(each, contacts[message_id]) for message_id, each in ids.items() if message_id in contacts]
        sealing = Sealing(self.keyring)
        rows = await messages.sent(
            [each.entry.subject_id for each, _ in known],
            [blind("message", each.result) for each, _ in known],
            [await sealing.provider_id(organization_id, contact_id, each.result) for each, contact_id in known],
            [each.at for each, _ in known],
        )
        await tx.emit(*(sent_fact(tx, row) for row in rows if row["whole_id"] is None))
        for row in rows:
            self._wake(tx, ids[row["id"]], row["conversation_id"])
        return {row["id"] for row in rows}

    def _wake(self, tx: Transaction, settled: Settled, conversation_id: UUID) -> None:
        """Whoever waits for it fetches it as soon as this is committed."""
        platform = self.platforms.get(settled.entry.lane_key.partition(":")[0])
        if platform is not None and platform.capabilities.local and settled.status is Effected.DONE:
            tx.stir(of_conversation(conversation_id))

    async def _record(self, tx: Transaction, standing: Standing, settled: Settled) -> None:
        match settled.status:
            case Effected.DONE:
                await self._done(tx, standing, settled)
            case Effected.REFUSED:
                if settled.by != "report" and not standing.forgotten:
                    kind = settled.entry.lane_key.partition(":")[0]
                    wishes = refused(standing.contact_id, kind, settled.code, settled.at)
                    await Recorder(self.keyring).record(tx, wishes)
                await rise(tx, standing, Status.FAILED, settled.at, code=settled.code, reason=settled.reason)
            case Effected.UNCONFIRMED:
                await rise(tx, standing, Status.UNCONFIRMED, settled.at)
            case Effected.PENDING if settled.by == "person":
                await stand(tx, standing, Status.QUEUED, settled.at)
            case Effected.PENDING:
                await suffer(tx, self.platforms, standing.channel_id, settled)

    async def _done(self, tx: Transaction, standing: Standing, settled: Settled) -> None:
        standing = await rise(tx, standing, Status.SENT, settled.at)
        if isinstance(settled.result, str) and standing.provider_blind is None:
            organization_id, provider_id = tx.organization_id, settled.result
            blinded = (await blind_of(self.keyring, organization_id))("message", provider_id)
            sealed = await Sealing(self.keyring).provider_id(organization_id, standing.contact_id, provider_id)
            messages = MessageRepository(tx)
            await OutgoingRepository(tx).drop_echo(standing.channel_id, blinded, standing.id)
            await messages.identify(standing.id, blinded, sealed)
            standing = await catch_up(tx, standing, blinded)
            await self._seen(tx, standing, settled.entry.called_at)

    async def _seen(self, tx: Transaction, standing: Standing, called_at: datetime) -> None:
        """The contact may have received or read it before we knew that it was sent."""
        delivered, read = await OutgoingRepository(tx).seen_until(standing.conversation_id)
        for status, until in ((Status.DELIVERED, delivered), (Status.READ, read)):
            if until is not None and called_at <= until:
                standing = await rise(tx, standing, status, until)


def _asked(row: Row) -> Asked:
    """For what this message is written, and where."""
    purpose = OF_CATEGORY.get(row["template_category"] or "", "service")
    return Asked(row["contact_id"], row["channel_kind"], purpose)


def _unwilling(answer: Answer) -> Refused | None:
    match answer.refuses():
        case "contact-blocked":
            return Refused("The contact is blocked.", code="contact-blocked")
        case "consent-withdrawn":
            return Refused("The contact does not want such messages on this channel.", code="contact-opted-out")
    return None


def _in_time(row: Row, platform: Platform, said: Content) -> bool:
    """Whether the window is still open now that it is to leave."""
    window, tag = platform.capabilities.window, str(said.detail.get("tag", ""))
    return window.allows(row["kind"], tag, row["window_open_until"], row["now"])


def _refusal(row: Row, platform: Platform | None) -> Refused | None:
    if platform is None or row["channel_state"] != "connected" or row["token_sealed"] is None:
        return Refused("The channel was disconnected before this left.", code="channel-disconnected")
    stopped = row["template_status"]
    if stopped is not None and stopped not in SENDABLE:
        why = f"The template is {stopped} by now. {row['template_reason']}".strip()
        return Refused(why, code=f"template-{stopped.replace('_', '-')}")
    if row["opted_out"]:
        return Refused("The contact does not want messages on this channel.", code="contact-opted-out")
    return None
