"""What follows when somebody is not sent to a client any more: their tokens are void, and both sides hear of it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from auth.delegations.repository import AssignmentRepository, DelegationRepository
from auth.sessions.revoking import void_tokens_of
from contracts.auth import DelegationChanged
from kit.db.database import Transaction


async def people_changed(tx: Transaction, delegations: Iterable[tuple[UUID, UUID]]) -> None:
    """Tell each client (id of the delegation, of the client) that the agency sends others, or in other roles."""
    for delegation_id, client in delegations:
        version = await DelegationRepository(tx).raise_version(delegation_id)
        await tx.emit(DelegationChanged(organization_id=client, delegation_id=delegation_id, version=version))


async def clients_of_team(tx: Transaction, team_id: UUID) -> list[tuple[UUID, UUID]]:
    """To whom a team is sent: id of the delegation, of the client."""
    return [
        (row["id"], row["organization_id"]) for row in await AssignmentRepository(tx).delegations_of_team(team_id)
    ]


async def sent_otherwise(tx: Transaction, delegations: Sequence[tuple[UUID, UUID]], user_ids: Sequence[UUID]) -> None:
    """The last step of a change of who is sent: their tokens are void, and the transaction is bound to none."""
    if delegations and user_ids:
        await people_changed(tx, delegations)
        await void_tokens_of(tx, user_ids)


async def member_leaves(tx: Transaction, member_id: UUID) -> None:
    """Clients hear that an agency does not send somebody any more; whoever ends the membership voids the tokens."""
    found = await AssignmentRepository(tx).delegations_of_member(member_id)
    await people_changed(tx, [(row["id"], row["organization_id"]) for row in found])
