from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from inbox.allowances.model import KEPT, MESSAGES, QUOTA
from inbox.broadcasts.audience.repository import AudienceRepository
from inbox.broadcasts.composing import frozen, letter
from inbox.broadcasts.errors import AudienceUnknown, MessageUnfit, NobodyToReach, NotPrepared
from inbox.broadcasts.facts import change, totals
from inbox.broadcasts.links.model import LINK, Links, places
from inbox.broadcasts.model import Broadcast, Stand, State, Variant
from inbox.broadcasts.preflight import Preflight, PreflightOut
from inbox.broadcasts.preparing import PAGE, Preparing
from inbox.broadcasts.recipients.repository import RecipientRepository
from inbox.broadcasts.repository import BroadcastRepository
from inbox.broadcasts.schemas import BroadcastOut, Fallback, Message, ReasonOut, RecipientOut, WriteBroadcast
from inbox.broadcasts.sending import BROADCAST
from inbox.broadcasts.zones.repository import ZoneRepository
from inbox.channels.base import Platforms
from inbox.channels.model import Channel
from inbox.channels.repository import ChannelRepository
from inbox.consent.model import OF_CATEGORY, PURPOSES, Purpose
from inbox.labels.repository import LabelRepository
from inbox.messages.errors import ChannelGone
from inbox.segments.service import SegmentService
from inbox.templates.errors import TemplateNotFound
from inbox.templates.model import Template
from inbox.templates.repository import TemplateRepository
from inbox.templates.sending import sendable
from inbox.variables.errors import VariableMalformed, VariableUnknown
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger

_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class BroadcastService:
    """What people do with broadcasts."""

    database: Database
    ledger: Callable[[], Ledger]
    preparing: Preparing
    platforms: Platforms
    segments: SegmentService
    links: Links

    async def write(self, caller: MemberCaller, wanted: WriteBroadcast, once: Idempotency) -> BroadcastOut:
        """Write one; its recipients are written down in the background, or at once where they are named.

        Raises:
            AudienceUnknown: there is no such label, contact or broadcast.
            MessageUnfit: the channel does not take this, or not at any time.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            if earlier := await once.claim(tx):
                return await self._shown(tx, await BroadcastRepository(tx).find(earlier.resource_id))
            channel = await _channel(tx, wanted.channel_id)
            await self._check(tx, channel, wanted)
            broadcast = await self._new(tx, channel, wanted)
            if wanted.audience.segment_id is not None:
                plan = await self.segments.plan(tx, caller.user_id, wanted.audience.segment_id)
                broadcast = replace(broadcast, audience={**broadcast.audience, "plan": plan})
            await BroadcastRepository(tx).add(broadcast)
            if wanted.audience.contact_ids is not None:
                await self._name(tx, broadcast, wanted.audience.contact_ids)
            await tx.emit(audited("inbox.broadcast.written", caller, "broadcast", broadcast.id))
            await once.remember(tx, broadcast.id)
            return await self._shown(tx, broadcast)

    async def look(self, caller: MemberCaller, broadcast_id: UUID) -> PreflightOut:
        """How it would go if it were started now."""
        return await Preflight(self.database).look(caller, broadcast_id)

    async def start(self, caller: MemberCaller, broadcast_id: UUID) -> BroadcastOut:
        """Let it begin, or wait for its time.

        Raises:
            NotPrepared: its recipients are still being written down.
            NobodyToReach: there are none.
            TemplateNotSendable: a template of it cannot be sent just now.
            QuotaExhausted: the plan includes fewer messages than it has recipients.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            broadcasts = BroadcastRepository(tx)
            broadcast = await broadcasts.lock(broadcast_id)
            if not broadcast.prepared and broadcast.state is State.DRAFT:
                raise NotPrepared
            waiting = totals(await broadcasts.counts([broadcast.id])).get(Stand.WAITING, 0)
            begun = broadcast.began(self.database.clock.now(), await self._frozen(tx, broadcast))
            if not waiting:
                raise NobodyToReach
            await change(tx, begun)
            child_id = await self._stand_in(tx, begun)
            await tx.emit(audited("inbox.broadcast.started", caller, "broadcast", broadcast.id, recipients=waiting))
            shown = await self._shown(tx, begun)
            for each in (broadcast.id, child_id):
                if each is not None:
                    await QUOTA.reserve(tx, MESSAGES, waiting, each, KEPT)
        return shown

    async def pause(self, caller: MemberCaller, broadcast_id: UUID) -> BroadcastOut:
        """Let nothing more leave: what a worker has in hand, at most a fifth of a second, still does."""
        async with self.database.transaction(caller.organization_id) as tx:
            broadcast = await BroadcastRepository(tx).lock(broadcast_id)
            paused = await change(tx, broadcast.paused(self.database.clock.now()))
            await self._hold(tx, broadcast.id, paused)
            await tx.emit(audited("inbox.broadcast.paused", caller, "broadcast", broadcast.id))
            return await self._shown(tx, paused)

    async def resume(self, caller: MemberCaller, broadcast_id: UUID) -> BroadcastOut:
        """Let it go on.

        Raises:
            TemplateNotSendable: a template of it cannot be sent just now.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            broadcast = await BroadcastRepository(tx).lock(broadcast_id)
            await self._frozen(tx, broadcast)
            resumed = await change(tx, broadcast.resumed(self.database.clock.now()))
            await self._hold(tx, broadcast.id, resumed)
            await tx.emit(audited("inbox.broadcast.resumed", caller, "broadcast", broadcast.id))
            return await self._shown(tx, resumed)

    async def cancel(self, caller: MemberCaller, broadcast_id: UUID) -> BroadcastOut:
        """End it: whoever has not got it gets it no more."""
        async with self.database.transaction(caller.organization_id) as tx:
            broadcasts = BroadcastRepository(tx)
            broadcast = await broadcasts.lock(broadcast_id)
            cancelled = await change(tx, broadcast.cancelled(self.database.clock.now()))
            recipients = RecipientRepository(tx)
            back = await self.ledger().cancel(tx, BROADCAST, await recipients.handed(broadcast.id))
            await recipients.take_back(list(back))
            await recipients.cancel(broadcast.id, _AT_ONCE)
            await tx.emit(audited("inbox.broadcast.cancelled", caller, "broadcast", broadcast.id))
            return await self._shown(tx, cancelled)

    async def attempt(self, caller: MemberCaller, broadcast_id: UUID, contact_ids: Sequence[UUID]) -> BroadcastOut:
        """Send it to a few now, as a broadcast of its own.

        Raises:
            AudienceUnknown: one of them is not there.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            broadcast, now = await BroadcastRepository(tx).find(broadcast_id), self.database.clock.now()
            trial = replace(
                broadcast,
                id=new_id(),
                kind="test",
                parent_id=broadcast.id,
                state=State.RUNNING,
                variants=await self._frozen(tx, broadcast),
                audience={"named": len(contact_ids)},
                quiet=None,
                start_at=None,
                local_start=None,
                fallback=None,
                reason="",
                prepared_at=now,
                started_at=now,
                ended_at=None,
                work_at=now,
                created_at=now,
                changed_at=now,
                version=1,
            )
            await BroadcastRepository(tx).add(trial)
            await self._name(tx, trial, contact_ids)
            await tx.emit(audited("inbox.broadcast.tried", caller, "broadcast", broadcast.id))
            shown = await self._shown(tx, trial)
            await QUOTA.reserve(tx, MESSAGES, shown.counts.total, trial.id, KEPT)
        return shown

    async def read(self, caller: MemberCaller, broadcast_id: UUID) -> BroadcastOut:
        """One broadcast."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await self._shown(tx, await BroadcastRepository(tx).find(broadcast_id))

    async def page(
        self, caller: MemberCaller, state: State | None, before: UUID | None, limit: int
    ) -> list[BroadcastOut]:
        """Broadcasts, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await BroadcastRepository(tx).page(before, limit, state)
            rows = await BroadcastRepository(tx).counts([each.id for each in found]) if found else []
        return [BroadcastOut.of(each, rows) for each in found]

    async def children(self, caller: MemberCaller, broadcast_id: UUID) -> list[BroadcastOut]:
        """Those that tried it, and the one that stands in for it."""
        async with self.database.snapshot(caller.organization_id) as tx:
            broadcasts = BroadcastRepository(tx)
            found = await broadcasts.children((await broadcasts.find(broadcast_id)).id)
            rows = await broadcasts.counts([each.id for each in found]) if found else []
        return [BroadcastOut.of(each, rows) for each in found]

    async def recipients(
        self,
        caller: MemberCaller,
        broadcast_id: UUID,
        after: UUID | None,
        limit: int,
        *,
        states: Sequence[Stand] | None,
        sort: str | None,
    ) -> list[RecipientOut]:
        """What became of each, and why."""
        async with self.database.snapshot(caller.organization_id) as tx:
            broadcast = await BroadcastRepository(tx).find(broadcast_id)
            channel = await ChannelRepository(tx).find(broadcast.channel_id)
            rows = await RecipientRepository(tx).page(broadcast_id, after, limit, states=states, sort=sort)
        return [self._recipient(channel.kind, row) for row in rows]

    async def reasons(self, caller: MemberCaller, broadcast_id: UUID) -> list[ReasonOut]:
        """Why people did not get it, by code."""
        async with self.database.snapshot(caller.organization_id) as tx:
            broadcast = await BroadcastRepository(tx).find(broadcast_id)
            channel = await ChannelRepository(tx).find(broadcast.channel_id)
            rows = await RecipientRepository(tx).reasons(broadcast_id)
        return [
            ReasonOut(
                sort=row["class"], code=row["code"], recipients=row["n"], **self._told(channel.kind, row["code"])
            )
            for row in rows
        ]

    def _recipient(self, kind: str, row: Row) -> RecipientOut:
        told: dict[str, Any] = {name: row[name] for name in RecipientOut.model_fields if name in row}
        more = {"message": row["variant"], "sort": row["class"], **self._told(kind, row["code"])}
        return RecipientOut(**{**told, **more})

    def _told(self, kind: str, code: str) -> dict[str, str]:
        if not code:
            return {"meaning": "", "advice": ""}
        rule = self.platforms[kind].errors.told(code)
        return {"meaning": rule.plain, "advice": rule.advice}

    async def _shown(self, tx: Transaction, broadcast: Broadcast) -> BroadcastOut:
        return BroadcastOut.of(broadcast, await BroadcastRepository(tx).counts([broadcast.id]))

    async def _name(self, tx: Transaction, broadcast: Broadcast, contact_ids: Sequence[UUID]) -> None:
        """Make these contacts recipients."""
        there = sorted(await AudienceRepository(tx).there(contact_ids))
        if not there:
            raise AudienceUnknown("#/audience/contact_ids", "None of these contacts is there.")
        for begin in range(0, len(there), PAGE):
            await self.preparing.add(tx, broadcast, there[begin : begin + PAGE])

    async def _new(self, tx: Transaction, channel: Channel, wanted: WriteBroadcast) -> Broadcast:
        now, named = self.database.clock.now(), wanted.audience.contact_ids is not None
        return Broadcast(
            id=new_id(),
            channel_id=channel.id,
            name=wanted.name,
            state=State.DRAFT,
            audience=wanted.audience.rule(),
            variants=[each.variant() for each in wanted.messages],
            purpose=wanted.purpose or await _purpose(tx, wanted.messages),
            zone=wanted.zone or (await ZoneRepository(tx).find()).zone,
            quiet=wanted.quiet,
            start_at=wanted.start_at,
            local_start=wanted.local_start,
            fallback=None if wanted.fallback is None else wanted.fallback.model_dump(mode="json"),
            prepared_at=now if named else None,
            work_at=None if named else now,
            created_at=now,
            changed_at=now,
        )

    async def _check(self, tx: Transaction, channel: Channel, wanted: WriteBroadcast) -> None:
        """Refuse what could never leave."""
        can = self.platforms[channel.kind].capabilities
        for number, each in enumerate(wanted.messages):
            at = f"#/messages/{number}"
            if each.text is not None and can.window.lasts is not None:
                raise MessageUnfit(f"{at}/text", "This channel takes free text only for a while; use a template.")
            if each.template_id is not None and "template" not in can.sends:
                raise MessageUnfit(f"{at}/template_id", "This channel knows no templates; use a text.")
            _fillable(at, each.variant())
            if each.text is not None:
                _linked(at, each.text, each.link)
        await self._templates(tx, channel, wanted.messages)
        await _there(tx, wanted)
        if wanted.fallback is not None:
            await self._check_fallback(tx, wanted.fallback)

    async def _check_fallback(self, tx: Transaction, wanted: Fallback) -> None:
        channel = await _channel(tx, wanted.channel_id)
        if self.platforms[channel.kind].capabilities.window.lasts is not None:
            raise MessageUnfit("#/fallback/channel_id", "This channel takes free text only for a while.")
        _fillable("#/fallback", Variant(text=wanted.text, link=wanted.link or ""))
        _linked("#/fallback", wanted.text, wanted.link)

    async def _templates(self, tx: Transaction, channel: Channel, messages: Sequence[Message]) -> None:
        for number, each in enumerate(messages):
            if each.template_id is not None:
                template = await TemplateRepository(tx).find(each.template_id)
                if template.waba_id != channel.waba_id:
                    raise TemplateNotFound("This channel's business account has no such template.")
                self._leads(f"#/messages/{number}/link", each.variant(), template)

    async def _frozen(self, tx: Transaction, broadcast: Broadcast) -> list[Variant]:
        """Its messages with the templates as they can be sent now."""
        made: list[Variant] = []
        for each in broadcast.variants:
            if each.template_id is None:
                made.append(each)
                continue
            template = sendable(await TemplateRepository(tx).find(each.template_id))
            self._leads("#/link", each, template)
            made.append(each if each.frozen is not None else replace(each, frozen=frozen(template)))
        return made

    def _leads(self, at: str, variant: Variant, template: Template) -> None:
        """Whether the template has the one button by which a link of ours can be opened: Meta fixes its domain."""
        if not variant.link:
            return
        given = {each["index"] for each in variant.buttons}
        free = [url for index, url in places(template.components).items() if index not in given]
        if len(free) != 1 or not self.links.leads(free[0]):
            raise MessageUnfit(at, f"The template needs one button with the address {self.links.base}/{{{{1}}}}.")

    async def _hold(self, tx: Transaction, broadcast_id: UUID, now: Broadcast) -> None:
        """What is with the ledger waits for the day, or leaves at once."""
        handed = await RecipientRepository(tx).handed(broadcast_id)
        at = self.database.clock.now()
        due_at = at if now.state is State.RUNNING else at + KEPT
        if handed:
            await self.ledger().reschedule(tx, BROADCAST, dict.fromkeys(handed, due_at))

    async def _stand_in(self, tx: Transaction, broadcast: Broadcast) -> UUID | None:
        """The broadcast that reaches whom this one does not; it begins empty."""
        if broadcast.fallback is None:
            return None
        now, told = broadcast.changed_at, Fallback.model_validate(dict(broadcast.fallback))
        child = Broadcast(
            id=new_id(),
            kind="fallback",
            parent_id=broadcast.id,
            channel_id=told.channel_id,
            name=broadcast.name,
            state=State.RUNNING,
            audience={"broadcast_id": str(broadcast.id), "classes": list(told.classes)},
            variants=[Variant(text=told.text, link=told.link or "")],
            purpose=broadcast.purpose,
            zone=broadcast.zone,
            quiet=broadcast.quiet,
            prepared_at=now,
            started_at=now,
            work_at=now,
            created_at=now,
            changed_at=now,
        )
        await BroadcastRepository(tx).add(child)
        return child.id


async def _channel(tx: Transaction, channel_id: UUID) -> Channel:
    channel = await ChannelRepository(tx).find(channel_id)
    if not channel.connected:
        raise ChannelGone
    return channel


async def _there(tx: Transaction, wanted: WriteBroadcast) -> None:
    """Whether what the audience names is there."""
    audience = wanted.audience
    if audience.label_id is not None and not await LabelRepository(tx).lock([audience.label_id]):
        raise AudienceUnknown("#/audience/label_id", "There is no such label.")
    if audience.broadcast is not None:
        await BroadcastRepository(tx).find(audience.broadcast.id)


async def _purpose(tx: Transaction, messages: Sequence[Message]) -> Purpose:
    """By the categories of its templates: the one that asks for the most consent."""
    ids = [each.template_id for each in messages if each.template_id is not None]
    found = {OF_CATEGORY.get((await TemplateRepository(tx).find(each)).category, "service") for each in ids}
    return next((each for each in PURPOSES if each in found), "marketing")


def _linked(at: str, text: str, link: str | None) -> None:
    """Whether a text has a place for the link that it is given."""
    if link is not None and LINK not in text:
        raise MessageUnfit(f"{at}/link", f"The text has no place for it: write {{{{{LINK}}}}} where it belongs.")


def _fillable(at: str, variant: Variant) -> None:
    """Whether its texts can be filled in at all."""
    try:
        letter(variant)
    except (VariableUnknown, VariableMalformed) as wrong:
        raise MessageUnfit(at, wrong.errors[0].detail if wrong.errors else str(wrong)) from wrong
