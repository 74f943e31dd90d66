"""A template changes: its row, its version and the fact that tells of it, in one commit."""

from dataclasses import replace
from datetime import datetime

from contracts.inbox import TemplateChanged
from inbox.templates.model import SENDABLE, Status, Template
from inbox.templates.repository import TemplateRepository
from kit.db.database import Transaction


async def change(tx: Transaction, before: Template, now: Template) -> Template:
    """Write a template as it is now, one version further, and tell; nothing when nothing has changed.

    The same word said again later moves only when it was said, which later words are compared with.
    """
    if before == now:
        return before
    if replace(now, told_at=before.told_at) == before:
        await TemplateRepository(tx).save(now)
        return now
    now = replace(now, version=before.version + 1)
    await TemplateRepository(tx).save(now)
    await tell(tx, now)
    return now


async def tell(tx: Transaction, template: Template) -> None:
    """Let the fact leave."""
    await tx.emit(
        TemplateChanged(
            organization_id=tx.organization_id,
            version=template.version,
            template_id=template.id,
            status=template.status,
            category=template.category.lower(),
            quality=template.quality.lower(),
        )
    )


async def decided(
    tx: Transaction, template: Template, status: Status, *, code: str, reason: str, told_at: datetime | None
) -> Template:
    """The template with the platform's word on it, and what that means for the version that was submitted."""
    templates = TemplateRepository(tx)
    now = replace(template, status=status, reason_code=code, reason=reason, told_at=told_at or template.told_at)
    newest = await templates.version(template.id, template.last_number) if template.last_number else None
    in_hand = newest is not None and newest.state in ("submitting", "unconfirmed", "in_review")
    if newest is None or not in_hand:
        return now
    if status in SENDABLE:
        await templates.put_version(replace(newest, state="approved"))
        now = replace(now, approved_number=newest.number, components=newest.components, fallbacks=newest.fallbacks)
    elif status is Status.REJECTED:
        await templates.put_version(replace(newest, state="rejected", reason_code=code, reason=reason))
    elif status is Status.PENDING and newest.state != "in_review":
        await templates.put_version(replace(newest, state="in_review"))
    return now
