from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import orjson

from generation.templates.errors import TemplateNotFilledIn, TemplateNotFound, TooManyTemplates
from generation.templates.model import Own, OwnVersion, Shown, Template, library, stored_template, template_of
from generation.templates.repository import TemplateRepository
from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class TemplateService:
    """What people do with templates, ours and their own."""

    database: Database
    keyring: Keyring

    async def add(self, template: Template, caller: MemberCaller, idempotency: Idempotency) -> Shown:
        """A template of the organization's own.

        Raises:
            TooManyTemplates: there are two hundred.
        """
        template_id, version_id = new_id(), new_id()
        sealed = await self._sealed(caller.organization_id, version_id, replace(template, version=1))
        async with self.database.transaction(caller.organization_id) as tx:
            if earlier := await idempotency.claim(tx):
                template_id = earlier.resource_id
            else:
                templates = TemplateRepository(tx)
                if not await templates.add(template_id):
                    raise TooManyTemplates
                await templates.add_version(version_id, template_id, 1, caller.user_id, sealed)
                await idempotency.remember(tx, template_id, 1)
                await tx.emit(audited("generation.template.changed", caller, "template", template_id, number=1))
        return await self.find(template_id, None, caller)

    async def change(self, template_id: UUID, template: Template, caller: MemberCaller) -> Shown:
        """Let it say something else from now on, as a further version.

        Raises:
            TemplateNotFound: there is none.
        """
        version_id = new_id()
        async with self.database.snapshot(caller.organization_id) as tx:
            latest = (await TemplateRepository(tx).find(template_id)).latest
        sealed = await self._sealed(caller.organization_id, version_id, replace(template, version=latest + 1))
        async with self.database.transaction(caller.organization_id) as tx:
            own = await TemplateRepository(tx).find(template_id, lock=True)
            number = own.latest + 1
            await TemplateRepository(tx).add_version(version_id, template_id, number, caller.user_id, sealed)
            await tx.emit(audited("generation.template.changed", caller, "template", template_id, number=number))
        return await self.find(template_id, number, caller)

    async def retire(self, template_id: UUID, caller: MemberCaller) -> None:
        """Offer it no more.

        Raises:
            TemplateNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await TemplateRepository(tx).find(template_id, lock=True)
            await TemplateRepository(tx).retire(template_id)
            await tx.emit(audited("generation.template.retired", caller, "template", template_id))

    async def find(self, template_id: UUID, number: int | None, caller: MemberCaller) -> Shown:
        """One of the organization's own, as it is or as it was.

        Raises:
            TemplateNotFound: there is none, or no such version.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            own = await TemplateRepository(tx).find(template_id)
            version = await TemplateRepository(tx).version(template_id, number or own.latest)
        return (await self.opened(caller.organization_id, [(own, version)]))[0]

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> Sequence[Shown]:
        """The organization's own, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await TemplateRepository(tx).page(after, limit)
        return await self.opened(caller.organization_id, found)

    async def versions(self, template_id: UUID, caller: MemberCaller, before: int, limit: int) -> Sequence[Shown]:
        """What it said, the newest first.

        Raises:
            TemplateNotFound: there is no such template.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            own = await TemplateRepository(tx).find(template_id)
            found = await TemplateRepository(tx).versions(template_id, before, limit)
        return await self.opened(caller.organization_id, [(own, each) for each in found])

    async def chosen(self, organization_id: UUID, template_id: str, number: int | None) -> Template:
        """One of ours by its name, or one of the organization's own by its id.

        Raises:
            TemplateNotFound: there is none, or no such version: of ours the present one alone.
        """
        if (ours := library().get(template_id)) is not None:
            if number not in {None, ours.version}:
                raise TemplateNotFound
            return ours
        try:
            own_id = UUID(template_id)
        except ValueError:
            raise TemplateNotFound from None
        async with self.database.snapshot(organization_id) as tx:
            own = await TemplateRepository(tx).find(own_id)
            version = await TemplateRepository(tx).version(own_id, number or own.latest)
        (shown,) = await self.opened(organization_id, [(own, version)])
        if shown.template is None:
            raise TemplateNotFound
        return shown.template

    async def opened(self, organization_id: UUID, found: Sequence[tuple[Own, OwnVersion]]) -> list[Shown]:
        """Templates in the clear, with one look-up for all keys."""
        values = [(version.document_sealed, _place(version.id)) for _, version in found]
        opened = await self.keyring.open_many(organization_id, values)
        return [
            Shown(
                own,
                version,
                None
                if document is None
                else replace(template_of(str(own.id), orjson.loads(document)), version=version.number),
            )
            for (own, version), document in zip(found, opened, strict=True)
        ]

    async def _sealed(self, organization_id: UUID, version_id: UUID, template: Template) -> bytes:
        document = orjson.dumps(stored_template(template))
        return await self.keyring.seal(organization_id, document, _place(version_id))


def checked(template: Template, values: Mapping[str, str]) -> Mapping[str, str]:
    """What is filled in, if a text can be written with it.

    Raises:
        TemplateNotFilledIn: something is missing or wrong; each place is named.
    """
    faults = template.faults(values)
    if faults:
        raise TemplateNotFilledIn(
            errors=[FieldError(f"#/template/variables/{name}", says) for name, says in faults.items()]
        )
    return values


def _place(version_id: UUID) -> bytes:
    return f"template_versions/{version_id}/document_sealed".encode()
