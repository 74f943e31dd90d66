from typing import Annotated, Self, get_args

from pydantic import AfterValidator, Field

from generation.moderations.model import NEVER, Category, Decision, Policy
from kit.http.models import Model, Out


def _within_bounds(categories: dict[Category, Decision]) -> dict[Category, Decision]:
    if any(categories.get(each, "block") != "block" for each in NEVER):  # type: ignore[call-overload]
        raise ValueError(f"what is of {', '.join(sorted(NEVER))} is always blocked")
    return categories


class ChangePolicy(Model):
    """What is done with texts of a category; those that are not named have our default."""

    categories: Annotated[dict[Category, Decision], AfterValidator(_within_bounds)] = Field(
        examples=[{"violence": "allow", "hate": "block"}]
    )


class PolicyOut(Out):
    """What is done with texts of each category, before and after a model has written."""

    categories: dict[str, Decision]

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Every category with what is done."""
        return cls(categories={each: policy.of(each) for each in get_args(Category)})
