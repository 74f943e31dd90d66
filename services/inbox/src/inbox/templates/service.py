from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from inbox.channels.repository import ChannelRepository
from inbox.templates import limits, syncing
from inbox.templates.errors import (
    NothingToSubmit,
    TemplateExists,
    TemplateLimit,
    TemplateRefused,
    TemplatesElsewhere,
    TemplateUnderWay,
)
from inbox.templates.facts import change, tell
from inbox.templates.model import EDITABLE, Status, Sync, Template, Version
from inbox.templates.repository import Chosen, TemplateRepository
from inbox.templates.rules import Design, breaches
from inbox.templates.samples.model import Named, named_in, wrong
from inbox.templates.samples.repository import SampleRepository
from inbox.templates.samples.uploading import UPLOAD
from inbox.templates.schemas import CreateTemplate, PreviewTemplate, WriteTemplate
from inbox.templates.submitting import DELETE, SUBMIT, lane_of
from inbox.templates.syncs.repository import SyncRepository
from inbox.templates.values import Composed, Given, compose, samples
from inbox.whatsapp.platform import WHATSAPP
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TemplateService:
    """What people do with templates."""

    database: Database
    ledger: Callable[[], Ledger]

    async def create(self, caller: MemberCaller, wanted: CreateTemplate, key: Idempotency) -> Template:
        """Write a draft, and submit it where that is wanted.

        Raises:
            TemplateExists: there is one of this name in this language.
            TemplateRefused: it is to be submitted and breaks a rule.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            templates = TemplateRepository(tx)
            if earlier := await key.claim(tx):
                return await templates.find(earlier.resource_id)
            waba_id = await _account(tx, wanted.channel_id)
            now = self.database.clock.now()
            template = _drafted(waba_id, wanted, now)
            if not await templates.add(template):
                raise TemplateExists
            version = _version(template.id, 1, wanted, now)
            await templates.put_version(version)
            await tell(tx, template)
            if wanted.submit:
                template = await self._submit(tx, caller, template, version)
            await key.remember(tx, template.id)
        return template

    async def write(
        self, caller: MemberCaller, template_id: UUID, wanted: WriteTemplate, expected: Condition
    ) -> Template:
        """Write the draft of a template anew; what can be sent stays as it is until it is approved.

        Raises:
            TemplateUnderWay: the platform has it in hand.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            templates = TemplateRepository(tx)
            template = await templates.lock(template_id)
            expected.check(template.version)
            if template.status is not Status.DRAFT and template.status not in EDITABLE:
                raise TemplateUnderWay
            newest = await templates.version(template.id, template.last_number)
            number = template.last_number
            if newest is None or newest.state not in ("draft", "refused"):
                number, newest = number + 1, None
            version = _version(template.id, number, wanted, self.database.clock.now())
            version = version if newest is None else replace(version, id=newest.id)
            await templates.put_version(version)
            now = replace(template, last_number=number)
            if template.status is Status.DRAFT:
                now = replace(
                    now, category=wanted.category, components=wanted.components, fallbacks=dict(wanted.fallbacks)
                )
            return await change(tx, template, replace(now, changed_at=self.database.clock.now()))

    async def submit(self, caller: MemberCaller, template_id: UUID) -> Template:
        """Have the platform review the draft.

        Raises:
            NothingToSubmit: there is no draft.
            TemplateRefused: it breaks a rule; each is named.
            TemplateLimit: the platform allows no more of this for now.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            templates = TemplateRepository(tx)
            template = await templates.lock(template_id)
            version = await templates.version(template.id, template.last_number) if template.last_number else None
            if version is not None and version.state == "submitting":
                return template
            if version is None or version.state not in ("draft", "refused"):
                raise NothingToSubmit
            return await self._submit(tx, caller, template, version)

    async def _submit(self, tx: Transaction, caller: MemberCaller, template: Template, version: Version) -> Template:
        named = named_in(version.components)
        found = breaches(Design(template.name, template.language, version.category, version.components))
        found += wrong(named, await SampleRepository(tx).types([each.sample_id for each in named if each.sample_id]))
        if found:
            raise TemplateRefused(found)
        if template.status is not Status.DRAFT and template.status not in EDITABLE:
            raise TemplateUnderWay
        first = template.provider_id is None
        await _allow(tx, template, first=first)
        now = self.database.clock.now()
        # A submission of its own for the ledger: what was refused once may be submitted again.
        version = replace(version, state="submitting", first=first, submitted_at=now, reason_code="", reason="")
        if version.state == "submitting" and await self._was_submitted(tx, version.id):
            version = replace(version, id=new_id(), number=template.last_number + 1)
        await TemplateRepository(tx).put_version(version)
        await self._upload(tx, template.waba_id, named)
        await self.ledger().add(tx, Effect(SUBMIT, lane_of(tx.organization_id, template.waba_id), version.id))
        await tx.emit(audited("inbox.template.submitted", caller, "template", template.id))
        changed = replace(
            template,
            status=Status.SUBMITTING if first else template.status,
            last_number=version.number,
            reason_code="",
            reason="",
        )
        return await change(tx, template, changed)

    async def _upload(self, tx: Transaction, waba_id: str, named: Sequence[Named]) -> None:
        """Let WhatsApp have the samples first, those that it has not; a template waits for its own."""
        for sample_id in sorted({each.sample_id for each in named if each.sample_id}):
            upload_id = await SampleRepository(tx).ask(sample_id, waba_id)
            if upload_id is not None:
                await self.ledger().add(tx, Effect(UPLOAD, lane_of(tx.organization_id, waba_id), upload_id))

    async def _was_submitted(self, tx: Transaction, version_id: UUID) -> bool:
        return bool(await self.ledger().states(tx, SUBMIT, [version_id]))

    async def delete(self, caller: MemberCaller, template_id: UUID) -> Template:
        """Delete a template in this language: a draft at once, any other at the platform.

        Raises:
            TemplateUnderWay: the platform has it in hand.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            template = await TemplateRepository(tx).lock(template_id)
            if template.status in (Status.DELETED, Status.DELETING):
                return template
            if template.status in (Status.SUBMITTING, Status.UNCONFIRMED) and template.provider_id is None:
                raise TemplateUnderWay
            status = Status.DELETED
            if template.provider_id is not None:
                status, lane = Status.DELETING, lane_of(tx.organization_id, template.waba_id)
                await self.ledger().add(tx, Effect(DELETE, lane, template.id))
            await tx.emit(audited("inbox.template.deleted", caller, "template", template.id))
            return await change(tx, template, replace(template, status=status))

    async def read(self, caller: MemberCaller, template_id: UUID) -> Template:
        """One template."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await TemplateRepository(tx).find(template_id)

    async def page(
        self,
        caller: MemberCaller,
        chosen: Chosen,
        channel_id: UUID | None,
        after: tuple[str, str, UUID] | None,
        limit: int,
    ) -> list[Template]:
        """Templates by name and language; of a channel those of its business account."""
        async with self.database.snapshot(caller.organization_id) as tx:
            if channel_id is not None:
                chosen = replace(chosen, waba_id=await _account(tx, channel_id))
            return await TemplateRepository(tx).page(chosen, after, limit)

    async def versions(
        self, caller: MemberCaller, template_id: UUID, before: int | None, limit: int
    ) -> list[Version]:
        """What a template has said, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            templates = TemplateRepository(tx)
            template = await templates.find(template_id)
            return await templates.versions(template.id, before, limit)

    async def preview(self, caller: MemberCaller, template_id: UUID, wanted: PreviewTemplate) -> Composed:
        """A template filled in with what is given, and with its samples where nothing is.

        Raises:
            TemplateValuesWrong: what is given does not fit.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            templates = TemplateRepository(tx)
            template = await templates.find(template_id)
            version = await templates.version(template.id, template.last_number) if wanted.draft else None
        components = template.components if version is None else version.components
        category = template.category if version is None else version.category
        shown = samples(components, category)
        given = Given(
            {**shown.variables, **wanted.variables},
            wanted.header or shown.header,
            wanted.buttons,
            None if wanted.offer_ends_at is None else int(wanted.offer_ends_at.timestamp() * 1000),
        )
        return compose(components, template.fallbacks, category, given)

    async def synchronise(self, caller: MemberCaller, channel_id: UUID) -> Sync:
        """Read the list of templates at the platform; one reading at a time is enough."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await syncing.begin(tx, self.ledger(), await _account(tx, channel_id))

    async def sync(self, caller: MemberCaller, sync_id: UUID) -> Sync:
        """One reading."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await SyncRepository(tx).find(sync_id)


async def _account(tx: Transaction, channel_id: UUID) -> str:
    channel = await ChannelRepository(tx).find(channel_id)
    if channel.kind != WHATSAPP or not channel.connected:
        raise TemplatesElsewhere
    return channel.waba_id


async def _allow(tx: Transaction, template: Template, *, first: bool) -> None:
    """Ask for no more than the platform allows.

    Raises:
        TemplateLimit: with the number, and from when on there is room again.
    """
    templates = TemplateRepository(tx)
    if first:
        if await templates.count(template.waba_id) > limits.TEMPLATES_PER_ACCOUNT:
            most = limits.TEMPLATES_PER_ACCOUNT
            raise TemplateLimit(f"An account has at most {most} templates; delete some first.", allowed=most)
        await _room(tx, limits.CREATIONS_PER_HOUR, _HOUR, "new templates an hour", waba_id=template.waba_id)
    elif template.status in (Status.APPROVED, Status.FLAGGED):
        await _room(tx, limits.EDITS_PER_DAY, _DAY, "change a day", template_id=template.id)
        await _room(tx, limits.EDITS_PER_30_DAYS, _MONTH, "changes in 30 days", template_id=template.id)


async def _room(
    tx: Transaction,
    allowed: int,
    within: timedelta,
    what: str,
    *,
    waba_id: str | None = None,
    template_id: UUID | None = None,
) -> None:
    used, oldest = await TemplateRepository(tx).submissions(waba_id=waba_id, template_id=template_id, within=within)
    if used >= allowed:
        again = None if oldest is None else oldest + within
        raise TemplateLimit(f"WhatsApp allows {allowed} {what}.", allowed=allowed, used=used, again_at=again)


def _drafted(waba_id: str, wanted: CreateTemplate, now: datetime) -> Template:
    return Template(
        id=new_id(),
        waba_id=waba_id,
        name=wanted.name,
        language=wanted.language,
        provider_id=None,
        category=wanted.category,
        next_category="",
        next_category_at=None,
        status=Status.DRAFT,
        reason_code="",
        reason="",
        quality="UNKNOWN",
        components=wanted.components,
        fallbacks=dict(wanted.fallbacks),
        last_number=1,
        approved_number=None,
        told_at=None,
        version=1,
        created_at=now,
        changed_at=now,
    )


def _version(template_id: UUID, number: int, wanted: WriteTemplate, now: datetime) -> Version:
    return Version(
        id=new_id(),
        template_id=template_id,
        number=number,
        category=wanted.category,
        components=wanted.components,
        fallbacks=dict(wanted.fallbacks),
        state="draft",
        first=False,
        reason_code="",
        reason="",
        submitted_at=None,
        created_at=now,
    )
