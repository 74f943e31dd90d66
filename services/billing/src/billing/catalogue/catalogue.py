"""The catalogue: every plan with its limits and prices, in versions. The one place where they are numbers."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from billing.catalogue.model import MONTHS_OF_A_YEAR, Interval, Plan, Price, Version
from contracts.names import PLANS

FREE: Final = "free"
_UNLIMITED: Final = -1


class Catalogue:
    """All versions, the oldest first.

    Raises:
        ValueError: versions or plans are not in order, or name the same twice.
    """

    def __init__(self, versions: Sequence[Version]) -> None:
        self.versions: Mapping[int, Version] = {each.number: each for each in versions}
        self._check(versions)
        self._by_key = {price.lookup_key: price for price in self.prices}

    @property
    def prices(self) -> Iterator[Price]:
        """Every price that was ever sold."""
        return (price for version in self.versions.values() for price in version.prices)

    @property
    def beginning(self) -> datetime:
        """When the first version came into force; before it nothing was sold."""
        return next(iter(self.versions.values())).effective_from

    def in_force(self, now: datetime) -> Version:
        """What is sold now; before the first version began, that one."""
        begun = [each for each in self.versions.values() if each.effective_from <= now]
        return begun[-1] if begun else next(iter(self.versions.values()))

    def plan(self, name: str, version: int) -> Plan | None:
        """A plan as it was sold in a version."""
        found = self.versions.get(version)
        return None if found is None else found.plans.get(name)

    def by_lookup_key(self, lookup_key: str) -> Price | None:
        """What stands behind a price of Stripe's; None when it is none of ours."""
        return self._by_key.get(lookup_key)

    @staticmethod
    def _check(versions: Sequence[Version]) -> None:
        if not versions or [each.number for each in versions] != list(range(1, len(versions) + 1)):
            raise ValueError("versions are numbered from 1 without a gap")
        begins = [each.effective_from for each in versions]
        if begins != sorted(set(begins)):
            raise ValueError("each version begins later than the one before")
        if any(tuple(each.plans) != PLANS for each in versions):
            raise ValueError("a version has every plan, the lowest first")


def read(text: str) -> Catalogue:
    """The catalogue that a data file holds."""
    return Catalogue([_version(each) for each in tomllib.loads(text)["versions"]])


def _version(table: Mapping[str, Any]) -> Version:
    number = int(table["number"])
    plans = {name: _plan(name, number, plan) for name, plan in table["plans"].items()}
    return Version(number, table["effective_from"], MappingProxyType(plans))


def _plan(name: str, version: int, table: Mapping[str, Any]) -> Plan:
    limits = {meter: None if limit == _UNLIMITED else int(limit) for meter, limit in table["limits"].items()}
    prices = [
        Price(name, interval, currency, amount * months, seat, version)
        for seat, monthly in ((False, table.get("month", {})), (True, table.get("seat", {})))
        for currency, amount in monthly.items()
        for interval, months in ((Interval.MONTH, 1), (Interval.YEAR, MONTHS_OF_A_YEAR))
    ]
    return Plan(name, version, MappingProxyType(limits), int(table.get("trial_days", 0)), tuple(prices))


CATALOGUE: Final = read(resources.files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
