"""What the billing service says: plans and what they allow, and the life of a subscription."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.audit import AuditEntry
from contracts.event import Audience, Event
from contracts.money import Currency
from contracts.names import NAME, TEAM, Name, PlanName
from contracts.privacy import AnswersErasure, AnswersExport

Interval = Literal["month", "year"]


class EntitlementsChanged(Event):
    """What an organization may use changed, with its plan or by itself; this is the whole new state."""

    type: ClassVar[str] = "billing.entitlements.changed.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    plan: PlanName = Field(description="The plan from now on.")
    limits: dict[Name, Annotated[int, Field(ge=0, lt=2**63)] | None] = Field(
        description="Per meter, how many units are included; null means without limit, "
        "a meter that is absent is not included.",
        examples=[{"seats": 3, "posts_per_month": 30}],
    )


class SubscriptionStarted(Event):
    """An organization subscribes: it has paid, or its trial has begun."""

    type: ClassVar[str] = "billing.subscription.started.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    plan: PlanName = Field(description="The plan that is paid for.")
    interval: Interval = Field(description="How often it is paid.")
    currency: Currency = Field(description="The currency in which it is paid.")
    seats: int = Field(description="How many seats are paid for beside those that the plan includes.", ge=0, lt=2**31)


class SubscriptionTrialStarted(Event):
    """A subscription begins with a trial; the first payment is due when it ends."""

    type: ClassVar[str] = "billing.subscription.trial_started.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    plan: PlanName = Field(description="The plan that is tried.")
    trial_ends_at: AwareDatetime = Field(description="When the first payment is due.")


class SubscriptionTrialEnding(Event):
    """A trial ends within three days; said once."""

    type: ClassVar[str] = "billing.subscription.trial_ending.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    trial_ends_at: AwareDatetime = Field(description="When the first payment is due.")


class SubscriptionChanged(Event):
    """Another plan, interval or number of seats is paid for from now on."""

    type: ClassVar[str] = "billing.subscription.changed.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    plan: PlanName = Field(description="The plan that is paid for.")
    interval: Interval = Field(description="How often it is paid.")
    currency: Currency = Field(description="The currency in which it is paid.")
    seats: int = Field(description="How many seats are paid for beside those that the plan includes.", ge=0, lt=2**31)


class SubscriptionRenewed(Event):
    """A new period has begun; whether it is paid is told by invoices."""

    type: ClassVar[str] = "billing.subscription.renewed.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    period_start: AwareDatetime = Field(description="The first instant of the period.")
    period_end: AwareDatetime = Field(description="The first instant of the next one.")


class SubscriptionPastDue(Event):
    """A payment failed; everything may still be used until the grace is over."""

    type: ClassVar[str] = "billing.subscription.past_due.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    grace_until: AwareDatetime = Field(description="From when on less may be used unless it is paid.")


class SubscriptionRestricted(Event):
    """The grace is over and nothing was paid: the organization is on the free plan until it pays."""

    type: ClassVar[str] = "billing.subscription.restricted.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")


class SubscriptionRecovered(Event):
    """What was owed is paid, and everything may be used again."""

    type: ClassVar[str] = "billing.subscription.recovered.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")


class SubscriptionPaused(Event):
    """Nothing is collected for now, and nothing granted."""

    type: ClassVar[str] = "billing.subscription.paused.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")


class SubscriptionResumed(Event):
    """A subscription that was paused goes on."""

    type: ClassVar[str] = "billing.subscription.resumed.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")


class SubscriptionCancelling(Event):
    """A subscription will end, and goes on until then."""

    type: ClassVar[str] = "billing.subscription.cancelling.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    ends_at: AwareDatetime = Field(description="When it ends.")


class SubscriptionKept(Event):
    """A subscription that was to end goes on after all."""

    type: ClassVar[str] = "billing.subscription.kept.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")


class SubscriptionEnded(Event):
    """A subscription has ended; a new one will be another."""

    type: ClassVar[str] = "billing.subscription.ended.v1"
    subject: ClassVar[str] = "subscription_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    subscription_id: UUID = Field(description="The subscription; the version is its own.")
    reason: str = Field(
        description="Why, in the payment provider's words.",
        pattern=NAME,
        examples=["cancellation_requested", "payment_failed"],
    )
    ended_at: AwareDatetime = Field(description="When it ended.")


class DriftFound(Event):
    """What we hold of an object was found to differ from what the payment provider holds; it is being read again."""

    type: ClassVar[str] = "billing.drift.found.v1"
    subject: ClassVar[str] = "drift_id"
    audience: ClassVar[Audience] = "internal"

    drift_id: UUID = Field(description="The finding.")
    object_type: str = Field(description="What kind of object it is.", pattern=NAME, examples=["subscription"])
    finding: Literal["differs", "missing_here", "missing_there"] = Field(description="How the two differ.")


class CustomerCreated(Event):
    """An organization is known to the payment provider, and can buy from now on."""

    type: ClassVar[str] = "billing.customer.created.v1"
    subject: ClassVar[str] = "customer_id"
    audience: ClassVar[Audience] = "internal"

    customer_id: UUID = Field(description="Our id of the customer; there is one for each organization.")


class CheckoutStarted(Event):
    """An organization is about to subscribe: the payment provider shows it a page."""

    type: ClassVar[str] = "billing.checkout.started.v1"
    subject: ClassVar[str] = "checkout_id"
    audience: ClassVar[Audience] = "internal"

    checkout_id: UUID = Field(description="The checkout.")
    plan: PlanName = Field(description="The plan that is wanted.")


class CheckoutCompleted(Event):
    """An organization has subscribed; the subscription itself follows as facts of its own."""

    type: ClassVar[str] = "billing.checkout.completed.v1"
    subject: ClassVar[str] = "checkout_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    checkout_id: UUID = Field(description="The checkout.")
    plan: PlanName = Field(description="The plan that was chosen.")
    interval: Interval = Field(description="How long a period lasts that is paid at once.")
    currency: Currency = Field(description="In which currency it is paid (ISO 4217).")
    seats: int = Field(ge=0, lt=2**31, description="Seats beside those included.")
    trial_days: int = Field(ge=0, lt=2**31, description="How long it is tried before it is paid; 0 is not at all.")


class BillingExportPartReady(AnswersExport):
    """The part of billing in an export of a person's data is handed over."""

    type: ClassVar[str] = "billing.export.part_ready.v1"


class BillingErasureAnswered(AnswersErasure):
    """What became of what billing kept about a person who is to be forgotten."""

    type: ClassVar[str] = "billing.erasure.answered.v1"


class SponsorshipBegun(Event):
    """An agency pays for this organization, its client, from now on."""

    type: ClassVar[str] = "billing.sponsorship.begun.v1"
    subject: ClassVar[str] = "sponsorship_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    sponsorship_id: UUID = Field(description="The sponsorship.")
    agency_id: UUID = Field(description="The organization that pays.")


class SponsorshipEnded(Event):
    """An agency pays for this organization no more; it returns to what it has otherwise."""

    type: ClassVar[str] = "billing.sponsorship.ended.v1"
    subject: ClassVar[str] = "sponsorship_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    sponsorship_id: UUID = Field(description="The sponsorship.")
    agency_id: UUID = Field(description="The organization that paid.")
    because: Name = Field(
        description="Who ended it: `client`, `agency`, or the end of the `delegation`.", examples=["agency"]
    )


class SubscriptionLinked(Event):
    """A subscription that was bought before signing up belongs to this organization, which has claimed it."""

    type: ClassVar[str] = "billing.subscription.linked.v1"
    subject: ClassVar[str] = "claim_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    claim_id: UUID = Field(description="The claim, by auth's id.")


class BillingAuditRecorded(AuditEntry):
    """Something about plans, payments or what may be used was done that the audit trail keeps."""

    type: ClassVar[str] = "billing.audit.recorded.v1"
