import pytest

from billing.entitlements.plans import FREE, PLANS, Plan
from contracts import encode
from contracts.billing import EntitlementsChanged
from contracts.names import PLANS as NAMES
from kit.clock import SystemClock
from kit.ids import new_id


def test_the_free_plan_limits_every_meter() -> None:
    assert set(FREE.limits) == {
        "seats",
        "connected_accounts",
        "posts_per_month",
        "generations_per_month",
        "messages_per_month",
        "storage_mb",
    }
    assert all(limit is not None and limit > 0 for limit in FREE.limits.values())


def test_the_catalogue_holds_every_plan_that_events_may_name() -> None:
    assert set(PLANS) == set(NAMES)
    assert all(name == plan.name for name, plan in PLANS.items())


def test_the_catalogue_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        FREE.limits["seats"] = 1_000  # type: ignore[index] # that it cannot is the point


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_plan_can_be_told_to_the_others(plan: Plan) -> None:
    told = EntitlementsChanged(organization_id=new_id(), plan=plan.name, limits=dict(plan.limits))
    assert encode(told.stamped(time=SystemClock().now()))
