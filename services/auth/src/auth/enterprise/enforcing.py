"""Who may act in an organization only through its own identity provider."""

from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import AddressInvalid, EmailAddress
from auth.accounts.repository import PersonsAccount
from auth.accounts.sealing import Addresses
from auth.enterprise.repository import ProviderRepository
from auth.federation.errors import SignInThroughProvider
from auth.members.permissions import Role
from auth.sessions.model import Standing
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Decides by the proven addresses of a person as they are now, so it holds however somebody came to be a member.

    Owners are excepted: when the provider is broken or its administrator hostile, somebody must still be able to
    disable it.
    """

    addresses: Addresses

    async def insist(self, tx: Transaction, user_id: UUID, standing: Standing, through: UUID | None) -> bool:
        """Go on only if this person may act where they stand, to which the transaction is bound, having come so.

        Returns:
            Whether this is an owner who goes past the provider: to be put on record.

        Raises:
            SignInThroughProvider: they have to come through a provider of it.
        """
        acting = standing.organization_id is not None and standing.role is not None
        enforced = await ProviderRepository(tx).enforced() if acting and standing.enforcing else {}
        if not enforced or through in enforced:
            return False
        theirs = await self._domains(tx, user_id)
        wanted = next((each for each, domains in enforced.items() if domains & theirs), None)
        if wanted is not None and standing.role != Role.OWNER:
            raise SignInThroughProvider(identity_provider_id=str(wanted))
        return wanted is not None

    async def _domains(self, tx: Transaction, user_id: UUID) -> frozenset[str]:
        known = await PersonsAccount(tx).addresses(user_id)
        opened = await self.addresses.open([each.address for each in known if each.verified_at is not None])
        return frozenset(_domain(each) for each in opened if each is not None and "@" in each)


def _domain(address: str) -> str:
    """As typed it may be written in another script: compared is what mail servers see."""
    try:
        return EmailAddress.parse(address).value.rpartition("@")[2]
    except AddressInvalid:
        return ""
