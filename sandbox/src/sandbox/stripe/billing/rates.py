"""Tax as Stripe Tax reckons it in the sandbox: one standard rate for each country, by where the customer is.

The rates are those of the countries' standard VAT in 2025; where there is none here, nothing is taxed.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from sandbox.stripe import ids
from sandbox.stripe.engine.totals import Rate
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

VAT: Final[Mapping[str, str]] = {
    "AT": "20", "BE": "21", "BG": "20", "CH": "8.1", "CY": "19", "CZ": "21", "DE": "19", "DK": "25", "EE": "22",
    "ES": "21", "FI": "25.5", "FR": "20", "GB": "20", "GR": "24", "HR": "25", "HU": "27", "IE": "23", "IT": "22",
    "JP": "10", "LT": "21", "LU": "17", "LV": "21", "MT": "18", "NL": "21", "NO": "25", "PL": "23", "PT": "23",
    "RO": "19", "SE": "25", "SI": "22", "SK": "23",
}  # fmt: skip


def country_of(customer: Doc) -> str | None:
    """Where the customer is, as far as Stripe knows."""
    address = customer.get("address") or (customer.get("shipping") or {}).get("address") or {}
    return address.get("country") or None


def untaxed(customer: Doc) -> str | None:
    """Why a customer pays no tax."""
    return {"exempt": "customer_exempt", "reverse": "reverse_charge"}.get(str(customer.get("tax_exempt")))


def automatic(world: World, customer: Doc, *, inclusive: bool) -> Record | None:
    """The rate that holds for a customer, made when it is first needed."""
    country = country_of(customer)
    if country is None or country not in VAT:
        return None
    for record in world.store.all("tax_rate"):
        if record.more.get("automatic") == (country, inclusive):
            return record
    return world.add(
        "tax_rate", _rate(country, world.now(), inclusive=inclusive), more={"automatic": (country, inclusive)}
    )


def _rate(country: str, at: int, *, inclusive: bool) -> Doc:
    return {
        "id": ids.long_id("txr"),
        "object": "tax_rate",
        "active": False,
        "country": country,
        "created": at,
        "description": None,
        "display_name": "VAT",
        "effective_percentage": float(VAT[country]),
        "flat_amount": None,
        "inclusive": inclusive,
        "jurisdiction": country,
        "jurisdiction_level": "country",
        "livemode": False,
        "metadata": {},
        "percentage": float(VAT[country]),
        "rate_type": "percentage",
        "state": None,
        "tax_type": "vat",
    }


def rate_of(record: Record, *, exempt: bool) -> Rate:
    """A rate as invoices reckon with it."""
    percentage = Decimal(0) if exempt else Decimal(str(record.data["percentage"]))
    return Rate(record.id, percentage, record.data["inclusive"])
