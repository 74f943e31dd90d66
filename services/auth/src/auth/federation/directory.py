"""Which providers there are, and what each is believed."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth.federation.errors import NoProviderForAddress, ProviderSwitchedOff
from auth.federation.model import Chosen, ProviderKind, Trust
from auth.openid.model import Provider


@dataclass(frozen=True, slots=True)
class Directory:
    """The platform's own providers."""

    ours: Mapping[ProviderKind, Provider]

    @property
    def on(self) -> tuple[ProviderKind, ...]:
        """Those of ours that are switched on."""
        return tuple(self.ours)

    async def provider(self, chosen: Chosen) -> tuple[Provider, Trust]:
        """A provider and what it is believed.

        Raises:
            ProviderSwitchedOff: we are no client of it.
        """
        found = self.ours.get(chosen.kind)
        if found is None:
            raise ProviderSwitchedOff
        return found, Trust()

    async def of_domain(self, domain: str) -> Chosen:
        """The provider of the organization that has proven a domain.

        Raises:
            NoProviderForAddress: there is none.
        """
        raise NoProviderForAddress(f"No organization has proven {domain}.")
