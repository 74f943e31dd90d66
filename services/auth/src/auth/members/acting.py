"""In which role somebody acts in an organization at this moment, whatever the token says."""

from dataclasses import dataclass
from uuid import UUID

from auth.members.errors import NotAllowed
from auth.members.permissions import EVERY_ROLE, Role, manages
from auth.members.repository import MemberRepository
from auth.organizations.errors import OrganizationIsSuspended, OrganizationNotFound
from auth.sign_ins.errors import AccountSuspended, SecondFactorRequired
from contracts.permissions import allows
from kit.db.database import Transaction
from kit.http.caller import Caller


@dataclass(frozen=True, slots=True)
class Acting:
    """A role, and the agency that sent its bearer, where they are no member themselves."""

    role: Role
    agency_id: UUID | None = None

    @property
    def manages(self) -> frozenset[Role]:
        """The roles it may invite to, give, take and remove."""
        return manages(self.role, delegated=self.agency_id is not None)

    def may(self, permission: str) -> bool:
        """Whether it allows this."""
        return allows(permission, self.role, delegated=self.agency_id is not None)


async def acting(tx: Transaction, caller: Caller) -> Acting:
    """How the caller acts in the transaction's organization now.

    A person is looked up: a member, or sent by an agency. A key or program on its own is what its token says, in the
    organization of the token alone; what acts for a person with narrowed rights stays in that organization, too.

    Raises:
        OrganizationNotFound: the caller does not act here; a foreign organization looks like none.
        OrganizationIsSuspended: nobody acts here.
        AccountSuspended: nobody may use this account.
        SecondFactorRequired: the organization demands a second factor, and none was shown in the caller's session;
            or in the one that let a program in; staff in a person's place have shown one of their own.
    """
    found = await _acting(tx, caller)
    if await MemberRepository(tx).is_suspended():
        raise OrganizationIsSuspended
    return found


async def _acting(tx: Transaction, caller: Caller) -> Acting:
    elsewhere = caller.organization_id != tx.organization_id
    if elsewhere and (caller.kind != "user" or caller.scopes is not None or caller.client_id is not None):
        raise OrganizationNotFound
    if caller.kind != "user":
        if caller.role not in EVERY_ROLE:
            raise OrganizationNotFound
        return Acting(Role(caller.role))
    found = await MemberRepository(tx).standing_of(caller.user_id, caller.session_id)
    if found is None:
        raise OrganizationNotFound
    role, agency_id, suspended, weak = found
    if suspended:
        raise AccountSuspended
    if weak and caller.actor_id is None:
        raise SecondFactorRequired
    return Acting(role, agency_id)


async def insist(tx: Transaction, caller: Caller, permission: str) -> Acting:
    """Go on only if the caller may do this here now; see `acting`.

    Raises:
        NotAllowed: their role does not allow it.
    """
    found = await acting(tx, caller)
    if not found.may(permission):
        raise NotAllowed
    return found
