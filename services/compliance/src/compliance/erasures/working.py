"""What a loop does for erasures: ask every service when the grace is over, destroy the keys when all have answered.

Each step is one transaction: whatever dies in between, the row says what is still to be done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from compliance.erasures.model import Erasure, ErasureState
from compliance.erasures.repository import ErasureRepository, due
from compliance.exports.repository import ExportRepository
from compliance.persons.model import line
from contracts.compliance import ErasureBegun, ErasureFinished, KeyDestroyed
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class Working:
    """Carries erasures on, any number of workers side by side."""

    database: Database
    keyring: Keyring
    services: Sequence[str]

    async def work(self) -> bool:
        """Carry on what is due; True when there was something."""
        async with self.database.transaction() as tx:
            waiting = await due(tx, 20)
        for erasure_id, owner_id in waiting.items():
            async with self.database.transaction(owner_id) as tx:
                erasure = await ErasureRepository(tx).lock(erasure_id)
                if erasure is not None:
                    await self._carry_on(tx, erasure)
        return bool(waiting)

    async def _carry_on(self, tx: Transaction, erasure: Erasure) -> None:
        if erasure.state is ErasureState.WAITING and erasure.begins_at <= self.database.clock.now():
            await self._begin(tx, erasure)
        elif erasure.state is ErasureState.DESTROYING:
            await self._destroy(tx, erasure)

    async def _begin(self, tx: Transaction, erasure: Erasure) -> None:
        begun = erasure.begun()
        await ErasureRepository(tx).save(begun)
        await ErasureRepository(tx).ask(begun, self.services)
        await tx.emit_of_platform(
            ErasureBegun(
                organization_id=erasure.person.organization_id,
                version=begun.version,
                erasure_id=erasure.id,
                person_kind=erasure.person.kind,
                person_id=erasure.person.id,
                way=erasure.way,
            ),
            line("compliance.erasure.begun", SYSTEM, "erasure", erasure.id, erasure.person, way=erasure.way),
        )

    async def _destroy(self, tx: Transaction, erasure: Erasure) -> None:
        """What is here about the person goes, and with the keys whatever they sealed, wherever copies lie."""
        person, exports = erasure.person, ExportRepository(tx)
        await exports.end(await exports.of_person(person))
        keys = [(person.organization_id, person.key_owner), *(_key(each) for each in _further(erasure))]
        await tx.bind(erasure.owner_id, *{organization for organization, _ in keys if organization})
        for organization_id, owner in keys:
            await self.keyring.shred(tx, organization_id, owner)
            await tx.emit_of_platform(
                _gone(organization_id, owner),
                audited(
                    "compliance.key.destroyed",
                    SYSTEM,
                    "key",
                    owner,
                    organization_id=organization_id,
                    erasure_id=str(erasure.id),
                ),
            )
        finished = erasure.finished()
        await ErasureRepository(tx).save(finished)
        await tx.emit_of_platform(
            ErasureFinished(
                organization_id=person.organization_id,
                version=finished.version,
                erasure_id=erasure.id,
                person_kind=person.kind,
                person_id=person.id,
                way=erasure.way,
            ),
            line("compliance.erasure.finished", SYSTEM, "erasure", erasure.id, person, way=erasure.way),
        )


def _further(erasure: Erasure) -> list[str]:
    return sorted({each for answer in erasure.answers for each in answer.keys})


def _key(said: str) -> tuple[UUID | None, str]:
    """`kind:id`, or `organization/kind:id` for what an organization's key wraps."""
    organization, slash, owner = said.rpartition("/")
    return (UUID(organization) if slash else None), owner


def _gone(organization_id: UUID | None, owner: str) -> KeyDestroyed:
    kind, _, owner_id = owner.partition(":")
    return KeyDestroyed(organization_id=organization_id, owner_kind=kind, owner_id=UUID(owner_id))
