"""How somebody becomes a member: on a seat that is free, in the transaction that makes them one."""

from typing import Final
from uuid import UUID

from auth.members.errors import NoSeatLeft
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from contracts.auth import MemberAdded
from kit.audit import Actor, audited
from kit.db.database import Transaction
from kit.ids import new_id
from kit.quota import Meter, Quota

SEATS: Final = Meter("seats", before_first=3, held=True)
"""Every member takes one, in whatever role; until billing has spoken, as many as the smallest plan has."""

_quota: Final = Quota([SEATS])


async def join(tx: Transaction, user_id: UUID, role: Role, actor: Actor) -> UUID | None:
    """Make somebody a member; None when they are one already, or their account is gone.

    The organization stays locked until the commit, and members are counted under that lock. So there are never more
    than seats, however many come at once, and no counter can go astray. When a plan has become smaller than its
    organization, everybody stays and nobody joins.

    Raises:
        NoSeatLeft: every seat is taken.
    """
    members = MemberRepository(tx)
    await members.lock_organization()
    if await members.role_of(user_id) is not None:
        return None
    seats = (await _quota.use(tx, SEATS)).allowed
    taken = await members.count()
    if seats is not None and taken >= seats:
        raise NoSeatLeft(seats=seats, taken=taken)
    member_id = new_id()
    if not await members.add(member_id, user_id, role):
        return None
    await tx.emit(
        MemberAdded(member_id=member_id, user_id=user_id, role=role),
        audited("auth.member.added", actor, "member", member_id, role=role.value),
    )
    return member_id
