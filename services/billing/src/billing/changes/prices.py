"""Stripe's ids of our prices, found by their lookup keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from billing.catalogue.model import Price
from billing.errors import PaymentsUnavailable
from billing.stripe_api import StripeApi


@dataclass(frozen=True, slots=True)
class PriceIds:
    """What a lookup key stands for never changes, so what was found once is remembered."""

    stripe: StripeApi
    _known: dict[str, str] = field(default_factory=dict)

    async def of(self, prices: Sequence[Price]) -> list[str]:
        """The ids of these prices.

        Raises:
            PaymentsUnavailable: one of them was not put up at Stripe.
        """
        missing = [each.lookup_key for each in prices if each.lookup_key not in self._known]
        if missing:
            page = await self.stripe.get("/v1/prices", {"lookup_keys": missing, "active": True, "limit": 10})
            self._known.update({each["lookup_key"]: each["id"] for each in page["data"]})
        return self.known(prices)

    def known(self, prices: Sequence[Price]) -> list[str]:
        """The same of prices that were found before.

        Raises:
            PaymentsUnavailable: one of them was not.
        """
        try:
            return [self._known[each.lookup_key] for each in prices]
        except KeyError as error:
            raise PaymentsUnavailable(f"The price {error} is not there yet.", retry_after=60.0) from error
