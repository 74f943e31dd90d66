from dataclasses import dataclass

from billing.catalogue.catalogue import CATALOGUE
from billing.catalogue.model import Version
from kit.clock import Clock


@dataclass(frozen=True, slots=True)
class PlanService:
    """What is sold now."""

    clock: Clock

    def sold(self) -> Version:
        """The version of the catalogue in force."""
        return CATALOGUE.in_force(self.clock.now())
