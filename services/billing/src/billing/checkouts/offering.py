"""What the catalogue grants of a wish: a plain function of values."""

from collections.abc import Iterable

from billing.catalogue.model import MOST_SEATS, Version
from billing.checkouts.errors import NothingToTry, PlanNotSold
from billing.checkouts.model import Offer, Wish
from kit.errors import FieldError


def offer(wish: Wish, sold: Version) -> Offer:
    """The wish at what is sold now.

    Raises:
        PlanNotSold: there is no such plan, not in this currency, or not with so many seats; the field is named.
        NothingToTry: the plan has no trial.
    """
    plan = sold.plans.get(wish.plan)
    if plan is None or not plan.sold:
        raise PlanNotSold(errors=[FieldError("#/plan", _one_of(p.name for p in sold.plans.values() if p.sold))])
    if plan.price(wish.interval, wish.currency) is None:
        currencies = sorted({price.currency for price in plan.prices})
        raise PlanNotSold(errors=[FieldError("#/currency", _one_of(currencies))])
    if wish.seats and (wish.seats > MOST_SEATS or plan.price(wish.interval, wish.currency, seat=True) is None):
        raise PlanNotSold(errors=[FieldError("#/seats", f"At most {MOST_SEATS} seats beside those included.")])
    if wish.trial and not plan.trial_days:
        raise NothingToTry
    trial_days = plan.trial_days if wish.trial else 0
    code = wish.promotion_code.upper() if wish.promotion_code else None
    return Offer(plan.name, plan.version, wish.interval, wish.currency, wish.seats, trial_days, code)


def _one_of(names: Iterable[str]) -> str:
    return f"One of {', '.join(names)}."
