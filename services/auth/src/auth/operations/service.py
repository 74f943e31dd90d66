from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import AddressInvalid, EmailAddress
from auth.accounts.sealing import Addresses
from auth.operations.audience import Audience
from auth.operations.errors import OperationNeedsReason
from auth.operations.kind import KIND
from auth.operations.model import PERMISSIONS, SHOWN, DryRun, Operation
from auth.operations.repository import AudienceRepository, NamedUsers
from auth.staff_sessions.fresh import insist_on_fresh_proof
from auth.suspensions.model import Reason
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.idempotency import Idempotency
from kit.http.staff import PermissionMissing, StaffCaller
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import Failed, Job, NewItem, Skipped, Submission

UNKNOWN = Failed("unknown", "There is no such user.")
INVALID = Failed("address-invalid", "This is no mail address.")
REPEATED = Skipped("repeated", "This user stands in the list before.")

Named = Sequence[UUID] | Sequence[str] | Audience
"""Users by id, by address, or by what they are."""


@dataclass(frozen=True, slots=True)
class OperationService:
    """What staff does to many users at once: looked at first, then run as a job."""

    database: Database
    jobs: Jobs
    addresses: Addresses

    async def try_out(self, operation: Operation, named: Named, staff: StaffCaller) -> DryRun:
        """Whom it would meet; nothing is done."""
        _insist_on_permission(operation, staff)
        async with self.database.transaction() as tx:
            if isinstance(named, Audience):
                audience = AudienceRepository(tx)
                total = await audience.count(named)
                first = [NewItem(each) for each in await audience.page(named, None, SHOWN)]
                return DryRun(total, total, 0, 0, list(enumerate(first, 1)))
            items = await self._items(tx, named)
        outcomes = Counter("known" if each.outcome is None else each.outcome.state.value for each in items)
        numbered = list(enumerate(items, 1))[:SHOWN]
        return DryRun(len(items), outcomes["known"], outcomes["failed"], outcomes["skipped"], numbered)

    async def run(
        self, operation: Operation, named: Named, reason: Reason | None, staff: StaffCaller, key: Idempotency
    ) -> Job:
        """Submit it; one row of the list is one item, in their order."""
        _insist_on_permission(operation, staff)
        if operation is Operation.SUSPEND and reason is None:
            raise OperationNeedsReason
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            if earlier := await key.claim(tx):
                return await self.jobs.show(tx, earlier.resource_id)
            listed = None if isinstance(named, Audience) else await self._items(tx, named)
            parameters = {"operation": operation.value}
            if reason is not None:
                parameters["reason"] = reason.value
            wanted = _submission(parameters, named, listed, staff)
            job = await self.jobs.submit(tx, wanted)
            await key.remember(tx, job.id)
            await tx.emit_of_platform(
                audited(
                    "auth.user_operation.submitted",
                    staff,
                    "job",
                    job.id,
                    operation=operation.value,
                    listed=-1 if listed is None else len(listed),
                )
            )
        return job

    async def _items(self, tx: Transaction, named: Sequence[UUID] | Sequence[str]) -> list[NewItem]:
        """A list, row by row: who is known, who is not, and who stands there twice."""
        users = NamedUsers(tx)
        ids = [each for each in named if isinstance(each, UUID)]
        blinds = {each: await self._blind(each) for each in named if isinstance(each, str)}
        known = await users.among(ids)
        owners = await users.by_address([each for each in blinds.values() if each])
        items, seen = list[NewItem](), set[UUID]()
        for each in named:
            blind = None if isinstance(each, UUID) else blinds[each]
            user_id = (each if each in known else None) if isinstance(each, UUID) else owners.get(blind or b"")
            if user_id is None:
                items.append(NewItem(None, UNKNOWN if isinstance(each, UUID) or blind else INVALID))
            else:
                items.append(NewItem(None, REPEATED) if user_id in seen else NewItem(user_id))
                seen.add(user_id)
        return items

    async def _blind(self, address: str) -> bytes | None:
        try:
            return await self.addresses.blind(EmailAddress.parse(address))
        except AddressInvalid:
            return None


def _submission(
    parameters: Mapping[str, str],
    named: Named,
    listed: Sequence[NewItem] | None,
    staff: StaffCaller,
) -> Submission:
    job_id = new_id()
    more = {"audience": named.stored()} if isinstance(named, Audience) else {}
    return Submission(
        KIND,
        str(job_id),
        submitted_by=staff.staff_id,
        parameters={**parameters, **more},
        items=listed,
        id=job_id,
    )


def _insist_on_permission(operation: Operation, staff: StaffCaller) -> None:
    if not staff.may(PERMISSIONS[operation]):
        raise PermissionMissing(permission=PERMISSIONS[operation])
