from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from generation.templates.model import stored_template
from generation.templates.repository import PersonsTemplates, TemplateRepository
from generation.templates.service import TemplateService
from kit.db.database import Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class TemplateHolding:
    """Versions of templates that a user wrote. They are the organization's, and stay with it."""

    templates: TemplateService
    tables: ClassVar[frozenset[str]] = frozenset({"template_versions"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they wrote, opened."""
        if person.kind != "user":
            return
        for organization_id in organization_ids:
            after: UUID | None = None
            while True:
                async with self.templates.database.snapshot(organization_id) as tx:
                    found = await PersonsTemplates(tx).page(person.id, after, _PAGE)
                    owns = {each.template_id for each in found}
                    by = {each: await TemplateRepository(tx).find(each) for each in sorted(owns)}
                shown = await self.templates.opened(organization_id, [(by[each.template_id], each) for each in found])
                yield Rows(
                    "template_versions",
                    [
                        {
                            "id": each.version.id,
                            "organization_id": organization_id,
                            "template": None if each.template is None else stored_template(each.template),
                            "created_at": each.version.created_at,
                        }
                        for each in shown
                    ],
                )
                if len(found) < _PAGE:
                    break
                after = found[-1].id

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They stay, as nobody's; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await PersonsTemplates(tx).unlink(person.id, _PAGE)
        return Erased(unlinked={"template_versions": unlinked}, more=unlinked == _PAGE)
