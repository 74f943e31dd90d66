"""Which providers there are, and what each is believed."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth.enterprise.directory import EnterpriseDirectory
from auth.federation.errors import NoProviderForAddress, ProviderSwitchedOff
from auth.federation.model import Chosen, ProviderKind, Trust
from auth.openid.model import Provider


@dataclass(frozen=True, slots=True)
class Directory:
    """The platform's own providers, and those of organizations."""

    ours: Mapping[ProviderKind, Provider]
    theirs: EnterpriseDirectory

    @property
    def on(self) -> tuple[ProviderKind, ...]:
        """Those of ours that are switched on."""
        return tuple(self.ours)

    async def provider(self, chosen: Chosen) -> tuple[Provider, Trust]:
        """A provider and what it is believed: one of an organization only about people of its proven domains.

        Raises:
            ProviderSwitchedOff: we are no client of it, or its organization has disabled it.
        """
        if chosen.provider_id is None or chosen.organization_id is None:
            found = self.ours.get(chosen.kind)
            if found is None:
                raise ProviderSwitchedOff
            return found, Trust()
        held = await self.theirs.find(chosen.organization_id, chosen.provider_id)
        opened = None if held is None else await self.theirs.opened(held)
        if held is None or opened is None:
            raise ProviderSwitchedOff
        return opened, Trust(
            domains=held.proven,
            silence_is_verified=held.policy.silence_is_verified,
            joins_as=held.policy.default_role if held.policy.joins else None,
        )

    async def of_domain(self, domain: str) -> Chosen:
        """The provider of the organization that has proven a domain.

        Raises:
            NoProviderForAddress: there is none.
        """
        found = await self.theirs.of_domain(domain)
        if found is None:
            raise NoProviderForAddress
        return Chosen(ProviderKind.ORGANIZATION, provider_id=found[1], organization_id=found[0])
