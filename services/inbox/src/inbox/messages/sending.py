"""Our messages on their way out: what the ledger calls, and what becomes of a message by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from inbox.channels.health import suffer
from inbox.contacts.blind import blind_of
from inbox.contacts.recognizing import IDENTITY
from inbox.contacts.repository import ContactRepository
from inbox.messages.content import CONTENT, PROVIDER_ID, TOKEN, Sealing, unpacked
from inbox.messages.model import Content, Status
from inbox.messages.reporting import SEND, catch_up
from inbox.messages.repository import MessageRepository, Standing
from inbox.messages.standing import rise, sent_fact, stand
from inbox.tenants import by_organization
from inbox.whatsapp.graph import Graph
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotFound, Receipt, Refused, Settled
from kit.ledger.model import Status as Effected
from kit.seal import Keyring

UNCONFIRMED_AFTER: Final = 3600.0
"""Seconds after which a message of which neither answer nor report came is shown as unconfirmed.

It is never sent again by itself, and a report that comes later still settles it.
"""

_TIMING: Final = Timing(
    call_within=20.0, looks_after=(60.0, 300.0, 900.0), absent_after=None, unconfirmed_after=UNCONFIRMED_AFTER
)


@dataclass(frozen=True, slots=True)
class Sending:
    """What one call takes; with a refusal it is not made."""

    phone_number_id: str = ""
    token: str = field(default="", repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class SendKind:
    """`inbox.send`: one message of ours to one contact.

    WhatsApp has no way to ask whether a message was taken. But it reports every message it took, with the id that we
    put into it, and such a report settles a call that nobody answered.
    """

    graph: Graph
    keyring: Keyring
    name: str = SEND
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Sending]:
        """Content, recipient and token of each message; the 24 hours are looked at once more."""
        works: dict[UUID, Sending] = {}
        async for organization_id, own in by_organization(tx, entries):
            rows = {row["id"]: row for row in await MessageRepository(tx).to_send([each.subject_id for each in own])}
            known = await ContactRepository(tx).known_as([row["contact_id"] for row in rows.values()])
            for entry in own:
                if entry.subject_id in rows:
                    row = rows[entry.subject_id]
                    identities = [each for each in known if each["contact_id"] == row["contact_id"]]
                    works[entry.id] = await self._work(organization_id, row, identities)
        return works

    async def _work(self, organization_id: UUID, row: Row, identities: Sequence[Row]) -> Sending:
        refusal = _refusal(row)
        if refusal is not None:
            return Sending(refusal=refusal)
        sealed = [(row["content_sealed"], CONTENT), (row["token_sealed"], TOKEN)]
        sealed += [(each["sealed"], IDENTITY) for each in identities]
        sealed += [(row["quoted_sealed"], PROVIDER_ID)] if row["quoted_sealed"] else []
        content, token, *others = await self.keyring.open_many(organization_id, sealed)
        said, values = unpacked(content), others[: len(identities)]
        to = recipient([(each["kind"], value) for each, value in zip(identities, values, strict=True)])
        if said is None or token is None or (to is None and identities):
            return Sending(refusal=Refused("The contact was forgotten.", code="contact-forgotten"))
        if to is None:
            gone = "The contact's number is somebody else's by now, and no other is known."
            return Sending(refusal=Refused(gone, code="contact-unreachable"))
        quoted = others[len(identities)] if row["quoted_sealed"] else None
        body = {**envelope(row["id"], row["kind"], said), **to}
        if quoted is not None:
            body["context"] = {"message_id": quoted.decode(errors="replace")}
        return Sending(row["phone_number_id"], token.decode(), body)

    async def call(self, entry: Entry, work: Sending) -> Receipt:
        """Send it, once."""
        if work.refusal is not None:
            raise work.refusal
        provider_id = await self.graph.send(work.phone_number_id, work.token, work.body, entry.attempt)
        return Receipt(result=provider_id, said="status 200")

    async def look(self, entry: Entry, work: Sending) -> Look:
        """There is nothing to look at; only a report decides."""
        _ = entry, work
        return NotFound("WhatsApp cannot be asked")

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
        await tx.emit(*(sent_fact(tx, row) for row in rows))
        return {row["id"] for row in rows}

    async def _record(self, tx: Transaction, standing: Standing, settled: Settled) -> None:
        match settled.status:
            case Effected.DONE:
                await self._done(tx, standing, settled)
            case Effected.REFUSED:
                await rise(tx, standing, Status.FAILED, settled.at, code=settled.code, reason=settled.reason)
            case Effected.UNCONFIRMED:
                await rise(tx, standing, Status.UNCONFIRMED, settled.at)
            case Effected.PENDING if settled.by == "person":
                await stand(tx, standing, Status.QUEUED, settled.at)
            case Effected.PENDING:
                await suffer(tx, standing.channel_id, settled)

    async def _done(self, tx: Transaction, standing: Standing, settled: Settled) -> None:
        standing = await rise(tx, standing, Status.SENT, settled.at)
        if isinstance(settled.result, str) and standing.provider_blind is None:
            organization_id, provider_id = tx.organization_id, settled.result
            blinded = (await blind_of(self.keyring, organization_id))("message", provider_id)
            sealed = await Sealing(self.keyring).provider_id(organization_id, standing.contact_id, provider_id)
            await MessageRepository(tx).identify(standing.id, blinded, sealed)
            await catch_up(tx, standing, blinded)


def _refusal(row: Row) -> Refused | None:
    if row["channel_state"] != "connected" or row["token_sealed"] is None:
        return Refused("The channel was disconnected before this left.", code="channel-disconnected")
    until = row["window_open_until"]
    if row["kind"] != "template" and (until is None or row["now"] >= until):
        return Refused(
            "More than 24 hours have passed since the contact last wrote; a template is needed.", code="window-closed"
        )
    return None


def recipient(known_as: Sequence[tuple[str, bytes | None]]) -> dict[str, str] | None:
    """Whom it goes to: the number last seen, else the id that the platform gave instead of one."""
    for kind, place in (("whatsapp_id", "to"), ("bsuid", "recipient")):
        for has, value in known_as:
            if has == kind and value is not None:
                return {place: value.decode(errors="replace")}
    return None


def envelope(message_id: UUID, kind: str, content: Content) -> dict[str, Any]:
    """The request without its recipient. What comes back in reports is our id of the message and nothing else."""
    part: Any = content.detail.get(kind, {})
    if kind == "text":
        part = {"body": content.text, "preview_url": False}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "type": kind,
        kind: part,
        "biz_opaque_callback_data": str(message_id),
    }
