"""Which provider somebody is sent to, by name or by the domain of their address."""

from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.federation.directory import Directory
from auth.federation.model import Chosen, Flow, ProviderKind, Purpose, domain_of
from auth.federation.travel import Begun, Travel
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Beginning:
    """Begins sign-ins with providers."""

    travel: Travel
    directory: Directory

    @property
    def offered(self) -> tuple[ProviderKind, ...]:
        """Which providers everybody may sign in with."""
        return self.directory.on

    async def sign_in(
        self, provider: str | None, address: str | None, redirect: str | None, organization_id: UUID | None
    ) -> Begun:
        """Send a browser to a provider of ours, or to that of the organization which has proven the domain.

        Only the domain of an address is looked at: what follows is the same whether or not it has an account.
        """
        place = self.travel.redirect(redirect)
        if provider is not None:
            chosen, hint = Chosen(ProviderKind(provider)), ""
        else:
            email = EmailAddress.parse(address or "")
            chosen, hint = await self.directory.of_domain(domain_of(email)), email.wire
            organization_id = None
        flow = Flow(new_id(), Purpose.SIGN_IN, chosen, place, wished_organization_id=organization_id)
        return await self.travel.begin(flow, hint)
