"""The kind `billing.price`: what is sold comes to Stripe, where each price is named by its lookup key.

A price at Stripe never changes its amount; a key that names another amount there is a mistake that a person must see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from billing.catalogue.catalogue import CATALOGUE
from billing.catalogue.model import Price
from billing.catalogue.repository import PriceRepository, Published
from billing.stripe_api import TIMING, Json, StripeApi
from kit.db.database import Database, Transaction
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Entry, Found, Lane, Look, Receipt, Refused, Settled, Status

KIND: Final = "billing.price"
PLATFORM: Final = Lane(None, "stripe catalogue", rate=10.0)
_ASKED_AT_ONCE: Final = 10
"""Lookup keys that Stripe takes in one question."""

_THERE_ALREADY: Final = "resource_already_exists"
_TAX_CODE: Final = "txcd_10103001"
"""Software as a service for businesses; https://docs.stripe.com/tax/tax-codes."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PricePublication:
    """Makes one price, and before it the product that it is a price of."""

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Price]:
        """The prices; one that is in no version of the catalogue any more is withdrawn."""
        keys = await PriceRepository(tx).lookup_keys([entry.subject_id for entry in entries])
        found = {entry.id: CATALOGUE.by_lookup_key(keys.get(entry.subject_id, "")) for entry in entries}
        return {entry_id: price for entry_id, price in found.items() if price is not None}

    async def call(self, entry: Entry, work: Price) -> Receipt:
        """Find it by its key, or make it.

        Raises:
            Refused: the key names another amount, currency or interval at Stripe.
        """
        made = await self._found(work) or await self._made(work)
        if _told(made) != _meant(work):
            raise Refused("At Stripe this key names another price.", code="price-differs", said=str(made["id"]))
        return Receipt(external_id=made["id"], said=f"attempt {entry.attempt}")

    async def look(self, entry: Entry, work: Price) -> Look:
        """Find it, or make it."""
        return Found(await self.call(entry, work))

    async def _found(self, price: Price) -> Json | None:
        asked = {"lookup_keys": [price.lookup_key], "limit": 1}
        found = (await self.stripe.get("/v1/prices", asked))["data"]
        return found[0] if found else None

    async def _made(self, price: Price) -> Json:
        product = await self._product(price)
        params = {
            "product": product,
            "currency": price.currency,
            "unit_amount": price.amount,
            "recurring": {"interval": price.interval.value},
            "lookup_key": price.lookup_key,
            "tax_behavior": "exclusive",
            "metadata": {"plan": price.plan, "version": price.version},
        }

        async def find() -> Json | None:
            return await self._found(price)

        return await self.stripe.make("/v1/prices", params, key=f"price-{price.lookup_key}", find=find)

    async def _product(self, price: Price) -> str:
        """The plan, or its seats, under an id of ours, which Stripe gives away once."""
        product = f"rostrum_{price.plan}{'_seat' if price.seat else ''}"
        name = f"Rostrum {price.plan.title()}{', another seat' if price.seat else ''}"
        params = {"id": product, "name": name, "tax_code": _TAX_CODE}
        try:
            await self.stripe.post("/v1/products", params, key=f"product-{product}")
        except Refused as refusal:
            if refusal.code != _THERE_ALREADY:
                raise
        return product

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep Stripe's id, or why there is none."""
        prices = PriceRepository(tx)
        for each in settled:
            if each.status is Status.DONE and each.external_id is not None:
                await prices.published(each.entry.subject_id, each.external_id)
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                await prices.refused(each.entry.subject_id, each.reason)


def _meant(price: Price) -> tuple[object, ...]:
    return (price.currency, price.amount, price.interval.value)


def _told(made: Json) -> tuple[object, ...]:
    return (made["currency"], made["unit_amount"], (made.get("recurring") or {}).get("interval"))


@dataclass(frozen=True, slots=True)
class CataloguePublisher:
    """Sees to it that every price of the catalogue is at Stripe or on its way there."""

    database: Database
    ledger: Ledger
    stripe: StripeApi

    async def publish(self) -> bool:
        """Put what is new into the ledger; for a loop, which never has more to do."""
        if self.stripe.on:
            async with self.database.transaction() as tx:
                fresh = await PriceRepository(tx).take_in([price.lookup_key for price in CATALOGUE.prices])
                await self.ledger.add(tx, *(Effect(KIND, PLATFORM, price_id) for price_id in fresh))
        return False

    async def verify(self) -> bool:
        """See whether Stripe still has what it is known to have, and publish anew what it has not.

        It has not where our key is that of another account at Stripe than before, or the account was emptied. Then
        nobody could buy anything, since a page with a price that Stripe does not know is refused.
        """
        if not self.stripe.on:
            return False
        async with self.database.transaction() as tx:
            known = await PriceRepository(tx).at_stripe()
        for first in range(0, len(known), _ASKED_AT_ONCE):
            some = known[first : first + _ASKED_AT_ONCE]
            there = await self._there([each.lookup_key for each in some])
            gone = [each for each in some if there.get(each.lookup_key) != each.stripe_id]
            if gone:
                await self._publish_anew(gone)
        return False

    async def _there(self, lookup_keys: Sequence[str]) -> Mapping[str, str]:
        """Stripe's ids of the prices that these keys name there."""
        found = await self.stripe.get("/v1/prices", {"lookup_keys": list(lookup_keys), "limit": 100})
        return {str(each["lookup_key"]): str(each["id"]) for each in found["data"]}

    async def _publish_anew(self, gone: Sequence[Published]) -> None:
        async with self.database.transaction() as tx:
            prices = await PriceRepository(tx).gone(gone)
            await self.ledger.forget(tx, (KIND,), prices)
            await self.ledger.add(tx, *(Effect(KIND, PLATFORM, price_id) for price_id in prices))
        log.warning("catalogue.published_anew", prices=len(prices))
