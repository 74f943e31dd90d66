"""Test cards and what becomes of them: https://docs.stripe.com/testing."""

from dataclasses import dataclass
from typing import Final, Literal

Authentication = Literal["none", "unless_set_up", "on_session", "always"]
"""When a bank wants to see its customer: never, until the card was set up, whenever the customer is there, always."""
RefundFate = Literal["succeeded", "pending", "failed"]


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a bank says no, as Stripe tells it; `network` is what it heard from there."""

    code: str
    reason: str
    message: str
    advice: str = "try_again_later"


@dataclass(frozen=True, slots=True)
class Card:
    """A test card. `name` is what follows `pm_card_` and `tok_`; `attaches` is whether a customer may have it."""

    number: str
    name: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    authentication: Authentication = "none"
    decline: Decline | None = None
    attaches: bool = True
    dispute: str | None = None
    inquiry: bool = False
    refund: RefundFate = "succeeded"
    warned: bool = False
    """Whether its issuer reports fraud some time after."""
    risk: str = "normal"
    blocked: bool = False
    """Whether Stripe itself refuses it, before the bank is asked."""
    settles_at_once: bool = False
    cvc: Literal["pass", "fail"] = "pass"


def _declined(reason: str, message: str = "Your card was declined.", code: str = "card_declined") -> Decline:
    stolen = reason in {"stolen_card", "lost_card"}
    return Decline(code, reason, message, "do_not_try_again" if stolen else "try_again_later")


GENERIC: Final = _declined("generic_decline")
FUNDS: Final = _declined("insufficient_funds", "Your card has insufficient funds.")
LOST: Final = _declined("lost_card")
STOLEN: Final = _declined("stolen_card")
EXPIRED: Final = Decline("expired_card", "expired_card", "Your card has expired.", "do_not_try_again")
CVC: Final = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data")
PROCESSING: Final = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
VELOCITY: Final = _declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
FRAUD: Final = _declined("fraudulent")
NEEDS_AUTHENTICATION: Final = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "confirm_card_data",
)

CARDS: Final = (
    Card("4242424242424242", "visa"),
    Card("4000056655665556", "visa_debit", funding="debit"),
    Card("5555555555554444", "mastercard", "mastercard"),
    Card("2223003122003222", "mastercard_2series", "mastercard"),
    Card("5200828282828210", "mastercard_debit", "mastercard", funding="debit"),
    Card("5105105105105100", "mastercard_prepaid", "mastercard", funding="prepaid"),
    Card("378282246310005", "amex", "amex"),
    Card("6011111111111117", "discover", "discover"),
    Card("3056930009020004", "diners", "diners"),
    Card("3566002020360505", "jcb", "jcb", "JP"),
    Card("6200000000000005", "unionpay", "unionpay", "CN"),
    Card("4000000400000008", "at", country="AT"),
    Card("4000000560000004", "be", country="BE"),
    Card("4000002760000016", "de", country="DE"),
    Card("4000007240000007", "es", country="ES"),
    Card("4000002500000003", "fr", country="FR"),
    Card("4000008260000000", "gb", country="GB"),
    Card("4000003720000005", "ie", country="IE"),
    Card("4000003800000008", "it", country="IT"),
    Card("4000005280000002", "nl", country="NL"),
    Card("4000007560000009", "ch", country="CH"),
    Card("4000003920000003", "jp", country="JP"),
    Card("4000000000000077", "bypassPending", settles_at_once=True),
    Card("4000000000000002", "visa_chargeDeclined", decline=GENERIC, attaches=False),
    Card("4000000000009995", "visa_chargeDeclinedInsufficientFunds", decline=FUNDS, attaches=False),
    Card("4000000000009987", "visa_chargeDeclinedLostCard", decline=LOST, attaches=False),
    Card("4000000000009979", "visa_chargeDeclinedStolenCard", decline=STOLEN, attaches=False),
    Card("4000000000000069", "chargeDeclinedExpiredCard", decline=EXPIRED, attaches=False),
    Card("4000000000000127", "chargeDeclinedIncorrectCvc", decline=CVC, attaches=False, cvc="fail"),
    Card("4000000000000119", "chargeDeclinedProcessingError", decline=PROCESSING, attaches=False),
    Card("4000000000006975", "visa_chargeDeclinedVelocityLimitExceeded", decline=VELOCITY, attaches=False),
    Card("4000000000000341", "chargeCustomerFail", decline=GENERIC),
    Card("4100000000000019", "radarBlock", decline=FRAUD, risk="highest", blocked=True),
    Card("4000000000004954", "riskLevelHighest", decline=FRAUD, risk="highest", blocked=True),
    Card("4000000000009235", "riskLevelElevated", risk="elevated"),
    Card("4000000000000101", "cvcCheckFail", cvc="fail"),
    Card("4000000000000259", "createDispute", dispute="fraudulent"),
    Card("4000000000002685", "createDisputeProductNotReceived", dispute="product_not_received"),
    Card("4000000000001976", "createDisputeInquiry", dispute="fraudulent", inquiry=True),
    Card("4000000000005423", "createIssuerFraudRecord", warned=True),
    Card("4000000000007726", "pendingRefund", refund="pending"),
    Card("4000000000005126", "refundFail", refund="failed"),
    Card("4000002500003155", "authenticationRequiredOnSetup", country="FR", authentication="unless_set_up"),
    Card("4000002760003184", "authenticationRequired", country="DE", authentication="always"),
    Card("4000003800000446", "authenticationRequiredSetupForOffSession", country="IT", authentication="on_session"),
    Card(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        country="GB",
        authentication="always",
        decline=FUNDS,
    ),
    Card("4000000000003220", "threeDSecure2Required", authentication="always"),
    Card("4000000000003055", "threeDSecureOptional"),
    Card("4000008400001629", "threeDSecureRequiredChargeDeclined", authentication="always", decline=GENERIC),
)
BY_NUMBER: Final = {card.number: card for card in CARDS}
BY_NAME: Final = {card.name: card for card in CARDS}


def named(identifier: str) -> Card | None:
    """The card that `pm_card_…` or `tok_…` stands for."""
    for prefix in ("pm_card_", "tok_"):
        if identifier.startswith(prefix):
            return BY_NAME.get(identifier.removeprefix(prefix))
    return None


def is_number(text: str) -> bool:
    """Whether a text can be a card's number: the last digit checks the others."""
    if not (text.isascii() and text.isdigit() and 12 <= len(text) <= 19):
        return False
    doubled = [int(digit) * (2 - (i % 2 == 0)) for i, digit in enumerate(reversed(text))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0
