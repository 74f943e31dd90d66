"""Templates on their way to the platform: created, changed, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from inbox.messages.content import TOKEN
from inbox.templates.components import same, texts_of
from inbox.templates.facts import change, decided
from inbox.templates.limits import CALLS_PER_SECOND
from inbox.templates.model import Status, Template, Version, status_of
from inbox.templates.repository import TemplateRepository
from inbox.templates.samples.model import named_in, with_handles
from inbox.templates.samples.repository import SampleRepository
from inbox.templates.variables import format_of
from inbox.tenants import by_organization
from inbox.whatsapp.template_graph import Created, Remote, TemplateGraph
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Found, Lane, Look, NotAccepted, NotFound, Receipt, Refused, Settled
from kit.ledger.model import Status as Effected
from kit.seal import Keyring

SUBMIT: Final = "inbox.template"
DELETE: Final = "inbox.template_delete"
_TIMING: Final = Timing(call_within=20.0, looks_after=(5.0, 30.0, 120.0), absent_after=30.0, unconfirmed_after=3600.0)
_GONE: Final = Refused("No connected number belongs to this business account.", code="channel-disconnected")


def lane_of(organization_id: UUID, waba_id: str) -> Lane:
    """Calls about templates of one business account, at the pace that the platform allows."""
    return Lane(organization_id, f"whatsapp-templates:{waba_id}", CALLS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class Work:
    """What one call takes."""

    waba_id: str
    name: str
    language: str
    provider_id: str
    category: str = ""
    components: Sequence[Mapping[str, Any]] = ()
    waits: bool = False
    """For samples that WhatsApp has not got yet."""
    failed: str = ""
    """Why it never will get one."""
    token: str = field(default="", repr=False)

    def asked(self) -> dict[str, Any]:
        """The body that asks for it."""
        return {
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "parameter_format": format_of(texts_of(self.components)),
            "components": list(self.components),
        }

    def changed(self) -> dict[str, Any]:
        """The body that changes it; its category only where that is another one."""
        return {"category": self.category, "components": list(self.components)}


@dataclass(frozen=True, slots=True)
class SubmitKind:
    """`inbox.template`: a version is created at the platform, or changes what is there.

    A submission that nobody answered is looked for by name and language: the platform has one of each.
    """

    graph: TemplateGraph
    keyring: Keyring
    name: str = SUBMIT
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """What each version says, and a token of its account."""
        works: dict[UUID, Work] = {}
        async for organization_id, own in by_organization(tx, entries):
            for row in await TemplateRepository(tx).to_submit([each.subject_id for each in own]):
                work = await _shown(tx, await opened(self.keyring, organization_id, row))
                works |= {each.id: work for each in own if each.subject_id == row["id"]}
        return works

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Submit it, once."""
        if not work.token:
            raise _GONE
        if work.failed:
            raise Refused(f"A sample could not be uploaded: {work.failed}", code="sample-refused")
        if work.waits:
            raise NotAccepted("its samples are on their way", code="samples-under-way", retry_after=2.0)
        if work.provider_id:
            await self.graph.edit(work.provider_id, work.token, work.changed(), entry.attempt)
            return Receipt(work.provider_id, result=Created(work.provider_id))
        created = await self.graph.create(work.waba_id, work.token, work.asked(), entry.attempt)
        return Receipt(created.id, result=created)

    async def look(self, entry: Entry, work: Work) -> Look:
        """Look for one of this name and language; of an edit, whether it says the new words."""
        if not work.token:
            raise _GONE
        found = await self.graph.named(work.waba_id, work.token, work.name, work.language, entry.attempt)
        if found is None or (work.provider_id and not same(found.components, work.components)):
            return NotFound()
        return Found(Receipt(found.id, result=_created(found)))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry what came of it into the version and its template."""
        async for _, own in by_organization(tx, settled):
            for each in sorted(own, key=lambda one: one.entry.subject_id):
                found = await TemplateRepository(tx).lock_by_version(each.entry.subject_id)
                if found is not None:
                    await _record(tx, *found, each)


async def _record(tx: Transaction, template: Template, version: Version, settled: Settled) -> None:
    templates = TemplateRepository(tx)
    match settled.status:
        case Effected.DONE:
            await _done(tx, template, version, settled)
        case Effected.REFUSED:
            why = replace(version, state="refused", reason_code=settled.code, reason=settled.reason)
            await templates.put_version(why)
            back = Status.DRAFT if version.first else template.status
            now = replace(template, status=back, reason_code=settled.code, reason=settled.reason)
            await change(tx, template, now)
        case Effected.UNCONFIRMED:
            await templates.put_version(replace(version, state="unconfirmed"))
            status = Status.UNCONFIRMED if version.first else template.status
            await change(tx, template, replace(template, status=status))


async def _done(tx: Transaction, template: Template, version: Version, settled: Settled) -> None:
    """It was taken. What a webhook has told since is newer than the answer."""
    created = settled.result if isinstance(settled.result, Created) else Created(settled.external_id or "")
    now = replace(template, provider_id=created.id or template.provider_id, category=version.category)
    if created.category in ("MARKETING", "UTILITY", "AUTHENTICATION"):
        now = replace(now, category=created.category)
    current = await TemplateRepository(tx).version(template.id, version.number) or version
    told_since = template.told_at is not None and template.told_at >= settled.entry.called_at.replace(microsecond=0)
    if not told_since:
        status = status_of(created.status) or Status.PENDING
        await TemplateRepository(tx).put_version(replace(current, state="in_review"))
        now = await decided(tx, now, status, code="", reason="", told_at=None)
    await change(tx, template, now)


@dataclass(frozen=True, slots=True)
class DeleteKind:
    """`inbox.template_delete`: deleted in one language; it may be repeated, for what is gone is gone."""

    graph: TemplateGraph
    keyring: Keyring
    name: str = DELETE
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """Which one, and a token of its account."""
        works: dict[UUID, Work] = {}
        async for organization_id, own in by_organization(tx, entries):
            for row in await TemplateRepository(tx).to_delete([each.subject_id for each in own]):
                work = await opened(self.keyring, organization_id, row)
                works |= {each.id: work for each in own if each.subject_id == row["id"]}
        return works

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Delete it."""
        if not work.token:
            raise _GONE
        await self.graph.delete(work.waba_id, work.token, work.name, work.provider_id, entry.attempt)
        return Receipt(work.provider_id)

    async def look(self, entry: Entry, work: Work) -> Look:
        """It is done once it is not listed any more."""
        if not work.token:
            raise _GONE
        found = await self.graph.named(work.waba_id, work.token, work.name, work.language, entry.attempt)
        if found is None or found.id != work.provider_id or found.status in ("PENDING_DELETION", "DELETED"):
            return Found(Receipt(work.provider_id))
        return NotFound()

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """It is gone, or stays as it was with the reason."""
        async for _, own in by_organization(tx, settled):
            for each in sorted(own, key=lambda one: one.entry.subject_id):
                template = await TemplateRepository(tx).lock(each.entry.subject_id)
                if each.status is Effected.DONE:
                    await change(tx, template, replace(template, status=Status.DELETED))
                elif each.status in (Effected.REFUSED, Effected.UNCONFIRMED):
                    code, reason = each.code, each.reason or "Nobody knows whether it was deleted."
                    kept = replace(template, status=Status.UNCONFIRMED, reason_code=code, reason=reason)
                    await change(tx, template, kept)


async def _shown(tx: Transaction, work: Work) -> Work:
    """With the handles of its samples; or that it waits for them, or why it need not."""
    ids = {each.sample_id for each in named_in(work.components)}
    wanted = {each for each in ids if each is not None}
    if not ids:
        return work
    found = await SampleRepository(tx).uploads(work.waba_id, wanted)
    failed = [row["reason"] for row in found.values() if row["state"] == "failed"]
    if failed or len(found) < len(ids):
        return replace(work, failed=failed[0] if failed else "It was deleted.")
    handles = {sample_id: row["handle"] for sample_id, row in found.items() if row["state"] == "done"}
    if len(handles) < len(ids):
        return replace(work, waits=True)
    return replace(work, components=with_handles(work.components, handles))


async def opened(keyring: Keyring, organization_id: UUID, row: Row | Mapping[str, Any]) -> Work:
    """What a call about one template takes, from its row."""
    token = b""
    if row["token_sealed"]:
        (found,) = await keyring.open_many(organization_id, [(row["token_sealed"], TOKEN)])
        token = found or b""
    values = dict(row)
    return Work(
        waba_id=row["waba_id"],
        name=row["name"],
        language=row["language"],
        provider_id=row["provider_id"] or "",
        category=values.get("category", ""),
        components=values.get("components", ()),
        token=token.decode(),
    )


def _created(remote: Remote) -> Created:
    return Created(remote.id, remote.status, remote.category)
