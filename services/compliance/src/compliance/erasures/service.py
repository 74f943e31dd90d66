from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from compliance.erasures.errors import ErasureNotFound, ErasureUnderWay
from compliance.erasures.model import Erasure, ErasureState, Wish
from compliance.erasures.repository import ErasureRepository
from compliance.persons.model import Scope, line, owners_of
from contracts.compliance import ErasureCancelled, ErasureRequested
from kit.db.database import Database
from kit.http.caller import Caller
from kit.http.idempotency import Idempotency
from kit.ids import new_id

DUE = "erasures"


@dataclass(frozen=True, slots=True)
class ErasureService:
    """Asking that a person be forgotten, and taking it back within the grace."""

    database: Database
    grace: timedelta

    async def request(self, wish: Wish, caller: Caller, key: Idempotency) -> Erasure:
        """Let the grace begin: the person is forgotten when it is over.

        Raises:
            NotYourself, NoManager: it is not theirs to ask.
            ErasureUnderWay: it was asked already.
        """
        scope, now = Scope.of(wish.kind, wish.person_id, caller), self.database.clock.now()
        erasure = Erasure(
            new_id(),
            scope.owner_id,
            scope.person,
            wish.way,
            caller.user_id,
            ErasureState.WAITING,
            begins_at=now + (self.grace if wish.grace is None else wish.grace),
            version=1,
            created_at=now,
        )
        async with self.database.transaction(scope.owner_id) as tx:
            erasures = ErasureRepository(tx)
            earlier = await key.claim(tx)
            if earlier is not None:
                return _there(await erasures.find(earlier.resource_id))
            there = await erasures.add(erasure)
            if there is not None:
                raise ErasureUnderWay(erasure_id=str(there))
            await tx.emit_of_platform(
                _requested(erasure),
                line("compliance.erasure.requested", caller, "erasure", erasure.id, erasure.person, way=wish.way),
            )
            await key.remember(tx, erasure.id, erasure.version)
            tx.stir(DUE)
        return erasure

    async def find(self, erasure_id: UUID, caller: Caller) -> Erasure:
        """One erasure.

        Raises:
            ErasureNotFound: there is none, or it is not theirs.
        """
        async with self.database.snapshot(*owners_of(caller)) as tx:
            return _there(await ErasureRepository(tx).find(erasure_id))

    async def page(self, caller: Caller, before: UUID | None, limit: int) -> list[Erasure]:
        """The newest first: the organization's, and the caller's own."""
        owners = owners_of(caller)
        async with self.database.snapshot(*owners) as tx:
            return await ErasureRepository(tx).page(owners, before, limit)

    async def cancel(self, erasure_id: UUID, caller: Caller) -> Erasure:
        """Take the request back; again changes nothing.

        Raises:
            ErasureNotFound: there is none, or it is not theirs.
            ErasureBegunAlready: it is too late.
        """
        async with self.database.transaction(*owners_of(caller)) as tx:
            erasures = ErasureRepository(tx)
            erasure = _there(await erasures.lock(erasure_id))
            cancelled = erasure.cancelled()
            if cancelled is not erasure:
                await erasures.save(cancelled)
                await tx.emit_of_platform(
                    ErasureCancelled(
                        organization_id=erasure.person.organization_id,
                        version=cancelled.version,
                        erasure_id=erasure.id,
                    ),
                    line("compliance.erasure.cancelled", caller, "erasure", erasure.id, erasure.person),
                )
            return _there(await erasures.find(erasure_id))


def _requested(erasure: Erasure) -> ErasureRequested:
    return ErasureRequested(
        organization_id=erasure.person.organization_id,
        erasure_id=erasure.id,
        person_kind=erasure.person.kind,
        person_id=erasure.person.id,
        way=erasure.way,
        begins_at=erasure.begins_at,
    )


def _there(erasure: Erasure | None) -> Erasure:
    if erasure is None:
        raise ErasureNotFound
    return erasure
