import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from compliance.exports.errors import (
    ExportExpired,
    ExportNotFound,
    ExportNotReady,
    PersonBeingErased,
    PieceNotWanted,
)
from compliance.exports.model import Export, ExportState
from compliance.exports.repository import ExportRepository
from compliance.persons.model import PersonKind, Scope, line, owners_of
from compliance.persons.repository import bind_to_owner
from contracts.compliance import ExportRequested
from kit.db.database import Database
from kit.http.caller import Caller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.privacy.person import Person
from kit.seal import Keyring, KeyShredded

PATIENCE: Final = timedelta(days=30)
"""How long the services have: the law's month (GDPR, article 12)."""

_READ: Final = 8  # chunks at a time


@dataclass(frozen=True, slots=True)
class ExportService:
    """Asking for everything that is kept about a person, and fetching it."""

    database: Database
    keyring: Keyring
    services: Sequence[str]

    async def request(self, kind: PersonKind, person_id: UUID, caller: Caller, key: Idempotency) -> Export:
        """Ask every service for its part; the password is told now and never again.

        Raises:
            NotYourself, NoManager: it is not theirs to ask.
            PersonBeingErased: there is nothing to hand over any more.
        """
        scope, now = Scope.of(kind, person_id, caller), self.database.clock.now()
        password, export_id = secrets.token_urlsafe(24), new_id()
        sealed = await self._sealed(scope.person, export_id, password)
        export = Export(
            export_id,
            scope.owner_id,
            scope.person,
            caller.user_id,
            ExportState.COLLECTING,
            attempt=0,
            size=0,
            sha256="",
            version=1,
            created_at=now,
            ready_at=None,
            expires_at=now + PATIENCE,
        )
        async with self.database.transaction(scope.owner_id) as tx:
            exports = ExportRepository(tx)
            earlier = await key.claim(tx)
            if earlier is not None:
                return _there(await exports.find(earlier.resource_id))
            if await exports.being_erased(scope.person):
                raise PersonBeingErased
            await exports.add(export, sealed, self.services)
            await tx.emit_of_platform(
                _asked(export), line("compliance.export.requested", caller, "export", export.id, export.person)
            )
            await key.remember(tx, export.id, export.version)
            return replace(_there(await exports.find(export.id)), password=password)

    async def find(self, export_id: UUID, caller: Caller) -> Export:
        """One export.

        Raises:
            ExportNotFound: there is none, or it is not theirs.
        """
        async with self.database.snapshot(*owners_of(caller)) as tx:
            return _there(await ExportRepository(tx).find(export_id))

    async def page(self, caller: Caller, before: UUID | None, limit: int) -> list[Export]:
        """The newest first: the organization's, and the caller's own."""
        owners = owners_of(caller)
        async with self.database.snapshot(*owners) as tx:
            return await ExportRepository(tx).page(owners, before, limit)

    async def archive(self, export_id: UUID, caller: Caller) -> tuple[Export, AsyncIterator[bytes]]:
        """The archive, piece by piece; it opens with the password.

        Raises:
            ExportNotFound, ExportNotReady, ExportExpired: there is nothing to fetch (yet, any more).
        """
        export = await self.find(export_id, caller)
        if export.state in (ExportState.COLLECTING, ExportState.ASSEMBLING):
            raise ExportNotReady
        if export.state is not ExportState.READY or export.expires_at <= self.database.clock.now():
            raise ExportExpired
        async with self.database.transaction(export.owner_id) as tx:
            await tx.emit_of_platform(
                line("compliance.export.downloaded", caller, "export", export.id, export.person)
            )
        return export, self._chunks(export)

    async def put(self, export_id: UUID, service: str, attempt: int, number: int, sealed: bytes) -> None:
        """Take a piece from a service.

        Raises:
            PieceNotWanted: nobody waits for it.
        """
        async with self.database.transaction() as tx:
            if not await bind_to_owner(tx, export_id):
                raise PieceNotWanted
            if not await ExportRepository(tx).put(export_id, service, attempt, number, sealed):
                raise PieceNotWanted

    async def _sealed(self, person: Person, export_id: UUID, password: str) -> bytes:
        try:
            return await self.keyring.seal(
                person.organization_id, password.encode(), password_place(export_id), subject=person.key_owner
            )
        except KeyShredded as error:
            raise PersonBeingErased from error

    async def _chunks(self, export: Export) -> AsyncIterator[bytes]:
        last = -1
        while True:
            async with self.database.transaction(export.owner_id) as tx:
                found = await ExportRepository(tx).archive(export.id, export.attempt, last, _READ)
            if not found:
                return
            places = [(sealed, archive_place(export, export.attempt, number)) for number, sealed in found]
            for chunk in await self.keyring.open_many(export.person.organization_id, places):
                if chunk is None:
                    raise KeyShredded
                yield chunk
            last = found[-1][0]


def password_place(export_id: UUID) -> bytes:
    """Where the password of an export belongs."""
    return b"exports.password_sealed/" + export_id.bytes


def archive_place(export: Export, attempt: int, number: int) -> bytes:
    """Where a chunk of an archive belongs."""
    return b"export_archives.sealed/" + export.id.bytes + f"/{attempt}/{number}".encode()


def _asked(export: Export) -> ExportRequested:
    return ExportRequested(
        organization_id=export.person.organization_id,
        export_id=export.id,
        person_kind=export.person.kind,
        person_id=export.person.id,
    )


def _there(export: Export | None) -> Export:
    if export is None:
        raise ExportNotFound
    return export
