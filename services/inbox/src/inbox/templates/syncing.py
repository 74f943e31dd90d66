"""The platform's list of templates is read page by page; what was made elsewhere appears, what is gone is marked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from inbox.templates.components import normal, same
from inbox.templates.facts import change, decided, tell
from inbox.templates.limits import CATEGORIES
from inbox.templates.model import SENDABLE, Status, Sync, Template, Version, reason_of, status_of
from inbox.templates.repository import TemplateRepository
from inbox.templates.submitting import Work, lane_of, opened
from inbox.templates.syncs.repository import SyncRepository
from inbox.tenants import by_organization
from inbox.whatsapp.template_graph import Remote, RemotePage, TemplateGraph
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Entry, Look, NotFound, Receipt, Refused, Settled
from kit.ledger.model import Status as Effected
from kit.seal import Keyring

SYNC: Final = "inbox.template_sync"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""In a row that is not written yet: the database says when it was."""
QUALITIES: Final = ("GREEN", "YELLOW", "RED", "UNKNOWN")
_TIMING: Final = Timing(call_within=20.0, looks_after=(0.5, 1.0), absent_after=1.0, unconfirmed_after=600.0)


async def begin(tx: Transaction, ledger: Ledger, waba_id: str) -> Sync:
    """Read the list of an account from its beginning; one that goes on is enough."""
    syncs, page_id = SyncRepository(tx), new_id()
    begun = await syncs.begin(new_id(), page_id, waba_id)
    if begun is None:
        running = await syncs.running(waba_id)
        if running is None:
            raise LookupError("the index says that one goes on")
        return running
    await ledger.add(tx, Effect(SYNC, lane_of(tx.organization_id, waba_id), page_id))
    return begun


@dataclass(frozen=True, slots=True)
class SyncKind:
    """`inbox.template_sync`: one page of one reading; it only reads, so a page that was interrupted is read again.

    The cursor is kept with each page: whoever goes on begins there.
    """

    graph: TemplateGraph
    keyring: Keyring
    ledger: Callable[[], Ledger]
    name: str = SYNC
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, tuple[Work, str]]:
        """Where each reading goes on, and a token of its account."""
        works: dict[UUID, tuple[Work, str]] = {}
        async for organization_id, own in by_organization(tx, entries):
            for row in await SyncRepository(tx).due([each.subject_id for each in own]):
                values = {**dict(row), "name": "", "language": "", "provider_id": ""}
                work = await opened(self.keyring, organization_id, values)
                works |= {each.id: (work, row["place"]) for each in own if each.subject_id == row["page_id"]}
        return works

    async def call(self, entry: Entry, work: tuple[Work, str]) -> Receipt:
        """Read the page."""
        about, place = work
        if not about.token:
            raise Refused("No connected number belongs to this business account.", code="channel-disconnected")
        return Receipt(result=await self.graph.page(about.waba_id, about.token, place, entry.attempt))

    async def look(self, entry: Entry, work: tuple[Work, str]) -> Look:
        """Read again."""
        _ = entry, work
        return NotFound()

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Write what the page says, and go on; at the end what was not found is gone."""
        async for _, own in by_organization(tx, settled):
            for each in own:
                sync = await SyncRepository(tx).lock_page(each.entry.subject_id)
                if sync is not None:
                    await self._record(tx, sync, each)

    async def _record(self, tx: Transaction, sync: Sync, settled: Settled) -> None:
        syncs = SyncRepository(tx)
        if settled.status in (Effected.REFUSED, Effected.UNCONFIRMED):
            await syncs.end(sync.id, state="failed", reason=settled.reason or "It could not be read.", at=settled.at)
        elif settled.status is Effected.DONE and isinstance(settled.result, RemotePage):
            page, next_page = settled.result, new_id()
            for remote in sorted(page.templates, key=lambda one: (one.name, one.language)):
                await read_in(tx, sync.waba_id, remote, settled.entry.called_at)
            await syncs.go_on(sync.id, next_page, page.after, len(page.templates))
            if page.after:
                effect = Effect(SYNC, lane_of(tx.organization_id, sync.waba_id), next_page)
                await self.ledger().add(tx, effect)
                return
            gone = await TemplateRepository(tx).lock_unseen(sync.waba_id, sync.started_at)
            for template in gone:
                await change(tx, template, replace(template, status=Status.DELETED))
            await syncs.end(sync.id, state="done", gone=len(gone), at=settled.at)


async def read_in(tx: Transaction, waba_id: str, remote: Remote, read_at: datetime) -> None:
    """One template as the list has it; what a webhook has told since it was read is newer."""
    templates = TemplateRepository(tx)
    if remote.category not in CATEGORIES:
        return
    template = await templates.lock_told(waba_id, remote.id, remote.name, remote.language)
    if template is None:
        await _add(tx, waba_id, remote)
        return
    await templates.saw([template.id], read_at)
    if template.told_at is not None and template.told_at > read_at:
        return
    now = await _worded(tx, template, remote)
    quality = remote.quality if remote.quality in QUALITIES else now.quality
    now = replace(now, provider_id=remote.id, category=remote.category, quality=quality)
    status = status_of(remote.status)
    if status is not None and template.status is not Status.DELETING:
        code = remote.reason if remote.reason != "NONE" else ""
        now = await decided(tx, now, status, code=code, reason=reason_of(code), told_at=None)
    await change(tx, template, now)


async def _worded(tx: Transaction, template: Template, remote: Remote) -> Template:
    """With the words that the platform has: of another hand they are a version of their own."""
    templates, components = TemplateRepository(tx), normal(remote.components)
    newest = await templates.version(template.id, template.last_number) if template.last_number else None
    if same(template.components, components) or (newest is not None and same(newest.components, components)):
        return template
    number = template.last_number + 1
    state = "approved" if status_of(remote.status) in SENDABLE else "in_review"
    await templates.put_version(_version(template.id, number, remote, state))
    approved = number if state == "approved" else template.approved_number
    shown = components if state == "approved" or template.approved_number is None else template.components
    return replace(template, last_number=number, approved_number=approved, components=shown)


async def _add(tx: Transaction, waba_id: str, remote: Remote) -> None:
    status = status_of(remote.status)
    if status is None or status is Status.DELETED:
        return
    templates, approved = TemplateRepository(tx), status in SENDABLE
    code = remote.reason if remote.reason != "NONE" else ""
    template = Template(
        id=new_id(),
        waba_id=waba_id,
        name=remote.name,
        language=remote.language,
        provider_id=remote.id,
        category=remote.category,
        next_category="",
        next_category_at=None,
        status=status,
        reason_code=code,
        reason=reason_of(code),
        quality=remote.quality if remote.quality in QUALITIES else "UNKNOWN",
        components=normal(remote.components),
        fallbacks={},
        last_number=1,
        approved_number=1 if approved else None,
        told_at=None,
        version=1,
        created_at=_NEVER,
        changed_at=_NEVER,
    )
    if await templates.add(template):
        await templates.put_version(_version(template.id, 1, remote, "approved" if approved else "in_review"))
        await tell(tx, template)


def _version(template_id: UUID, number: int, remote: Remote, state: str) -> Version:
    return Version(
        id=new_id(),
        template_id=template_id,
        number=number,
        category=remote.category,
        components=normal(remote.components),
        fallbacks={},
        state=state,
        first=False,
        reason_code="",
        reason="",
        submitted_at=None,
        created_at=_NEVER,
    )
