"""What the platform tells of templates by webhooks: status, quality, category."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from inbox.templates import syncing
from inbox.templates.facts import change, decided
from inbox.templates.limits import CATEGORIES
from inbox.templates.model import Status, Template, reason_of, status_of
from inbox.templates.repository import TemplateRepository
from inbox.whatsapp.payload import moment, text
from kit.db.database import Transaction
from kit.intake.model import Applied, Quarantined, Received, Verdict
from kit.ledger.ledger import Ledger

WORDS: Final = "field:message_template_components_update"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """Applies them in order. Of a template that nobody here knows the list is read: it was made elsewhere."""

    ledger: Callable[[], Ledger]

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> list[Verdict]:
        """One verdict for each item."""
        return [await self._apply(tx, each) for each in items]

    async def _apply(self, tx: Transaction, received: Received) -> Verdict:
        told = orjson.loads(received.item.content)
        value, account = told["value"], text(told.get("account"))
        at = moment(told.get("time")) or received.received_at
        identity, name = text(value.get("message_template_id")), text(value.get("message_template_name"))
        language = text(value.get("message_template_language")).replace("-", "_")
        if not account or not (identity or (name and language)):
            return Quarantined("a word on a template that is not named")
        template = await TemplateRepository(tx).lock_told(account, identity[:64], name, language)
        if template is None or received.item.kind == WORDS:
            await syncing.begin(tx, self.ledger(), account)
            return Applied()
        now = await _told(tx, template, received.item.kind, value, at)
        if now is None:
            return Quarantined("a word on a template that nobody knows")
        await change(tx, template, replace(now, provider_id=template.provider_id or identity[:64] or None))
        return Applied()


async def _told(tx: Transaction, template: Template, kind: str, value: Json, at: datetime) -> Template | None:
    match kind:
        case "field:message_template_status_update":
            return await _status(tx, template, value, at)
        case "field:message_template_quality_update":
            quality = text(value.get("new_quality_score"))
            return replace(template, quality=quality) if quality in syncing.QUALITIES else None
        case _:
            return _category(template, value)


async def _status(tx: Transaction, template: Template, value: Json, at: datetime) -> Template | None:
    status = status_of(text(value.get("event")))
    if status is None:
        return None
    if template.told_at is not None and at < template.told_at:
        return template  # overtaken by a newer word
    code = text(value.get("reason"))[:60]
    other = value.get("other_info")
    if code in ("", "NONE") and isinstance(other, dict):
        code = text(other.get("title"))[:60]
    if code in ("NONE", "UNPAUSE"):
        code = ""
    if template.status is Status.DELETING and status is not Status.DELETED:
        status = Status.DELETING if status is Status.PENDING_DELETION else status
    now = await decided(tx, template, status, code=code, reason=reason_of(code), told_at=at)
    category = text(value.get("message_template_category"))
    return replace(now, category=category) if category in CATEGORIES else now


def _category(template: Template, value: Json) -> Template | None:
    """A category that will change within a day, or that has changed."""
    new, correct = text(value.get("new_category")), text(value.get("correct_category"))
    if correct in CATEGORIES:
        seconds = value.get("category_update_timestamp")
        at = (
            datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 < seconds < 4_102_444_800 else None
        )
        return replace(template, next_category=correct, next_category_at=at)
    if new in CATEGORIES:
        return replace(template, category=new, next_category="", next_category_at=None)
    return None
