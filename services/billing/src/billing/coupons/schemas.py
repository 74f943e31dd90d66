from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from billing.coupons.errors import CouponInvalid
from billing.coupons.model import Coupon, Duration, Terms
from billing.coupons.service import NewCode
from billing.money import checked
from kit.errors import FieldError
from kit.http.models import Line, Model, Out

Spelled = Annotated[
    str,
    Field(
        min_length=3,
        max_length=40,
        pattern=r"^[A-Za-z0-9-]+$",
        description="Letters, digits and hyphens; small letters count as capitals.",
        examples=["SPRING-26"],
    ),
]
Most = Annotated[int, Field(ge=1, le=1_000_000, description="How often it is redeemed, by all together.")]


class CreateCode(Model):
    """A code by which the coupon is redeemed."""

    code: Spelled
    max_redemptions: Most | None = None


class CreateCoupon(Model):
    """A discount: either per cent, or an amount in one currency."""

    name: Annotated[Line, Field(max_length=40, description="Stands on invoices.")]
    percent_off: int | None = Field(None, ge=1, le=100)
    amount_off: int | None = Field(None, description="In the smallest unit of the currency.")
    currency: str | None = Field(None, pattern=r"^[a-z]{3}$")
    duration: Duration = Duration.ONCE
    months: int | None = Field(None, ge=1, le=36, description="For how many months, where it is repeating.")
    plans: list[Literal["creator", "pro", "agency"]] = Field(default_factory=list, max_length=3)
    first_subscription_only: bool = False
    max_redemptions: Most | None = None
    expires_at: AwareDatetime | None = Field(None, description="Until when it can be redeemed.")
    codes: list[CreateCode] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.percent_off is None) == (self.amount_off is None):
            raise ValueError("give either percent_off, or amount_off with a currency")
        if (self.amount_off is None) != (self.currency is None):
            raise ValueError("amount_off and currency come together")
        if (self.duration is Duration.REPEATING) != (self.months is not None):
            raise ValueError("months are given where the duration is repeating, and only there")
        return self

    def terms(self) -> Terms:
        """What the coupon gives.

        Raises:
            CurrencyUnknown, AmountRefused: the amount cannot be taken off in this currency.
        """
        if self.amount_off is not None and self.currency is not None:
            checked(self.amount_off, self.currency, pointer="#/amount_off")
        return Terms(
            name=self.name,
            duration=self.duration,
            percent_off=self.percent_off,
            amount_off=self.amount_off,
            currency=self.currency,
            months=self.months,
            plans=tuple(dict.fromkeys(self.plans)),
            first_only=self.first_subscription_only,
            most=self.max_redemptions,
            expires_at=self.expires_at,
        )

    def wanted(self) -> list[NewCode]:
        """The codes, in capitals.

        Raises:
            CouponInvalid: one stands there twice.
        """
        codes = [NewCode(each.code.upper(), each.max_redemptions) for each in self.codes]
        if len({each.code for each in codes}) != len(codes):
            raise CouponInvalid(errors=[FieldError("#/codes", "Name each code once.")])
        return codes


class CodeOut(Out):
    """A code and how often it was redeemed."""

    code: str
    max_redemptions: int | None
    redeemed: int = Field(description="Those that wait for a payment included.")


class CouponOut(Out):
    """A coupon with its codes."""

    id: UUID
    name: str
    state: str = Field(examples=["made", "making", "ended"])
    percent_off: int | None
    amount_off: int | None
    currency: str | None
    duration: Duration
    months: int | None
    plans: list[str]
    first_subscription_only: bool
    max_redemptions: int | None
    redeemed: int
    expires_at: AwareDatetime | None
    created_at: AwareDatetime
    codes: list[CodeOut]

    @classmethod
    def of(cls, coupon: Coupon) -> Self:
        """The coupon as staff see it."""
        terms = coupon.terms
        return cls(
            id=coupon.id,
            name=terms.name,
            state=coupon.state,
            percent_off=terms.percent_off,
            amount_off=terms.amount_off,
            currency=terms.currency,
            duration=terms.duration,
            months=terms.months,
            plans=list(terms.plans),
            first_subscription_only=terms.first_only,
            max_redemptions=terms.most,
            redeemed=coupon.taken,
            expires_at=terms.expires_at,
            created_at=coupon.created_at,
            codes=[CodeOut(code=each.code, max_redemptions=each.most, redeemed=each.taken) for each in coupon.codes],
        )
