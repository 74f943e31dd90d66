"""The errors of Meta's Cloud API: codes, statuses and words as its reference lists them."""

from typing import NamedTuple

from sandbox.json import Object
from sandbox.meta.refusals import (
    Refusal,
    dead_token,
    no_object,
    no_token,
    unknown_path,
    unknown_token,
    wrong_parameter,
)

__all__ = [
    "KNOWN",
    "Refusal",
    "dead_token",
    "in_a_webhook",
    "no_object",
    "no_token",
    "refused",
    "unknown_path",
    "unknown_token",
    "wrong_parameter",
]

ERRORS_PAGE = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"


class Known(NamedTuple):
    """An error of the reference: HTTP status, title, details."""

    status: int
    title: str
    details: str


KNOWN: dict[int, Known] = {
    0: Known(401, "AuthException", "We were unable to authenticate the app user."),
    1: Known(400, "API Unknown", "Invalid request or possible server error."),
    2: Known(503, "API Service", "Temporary due to downtime or due to being overloaded."),
    3: Known(500, "API Method", "Capability or permissions issue."),
    4: Known(429, "API Too Many Calls", "The app has reached its API call rate limit."),
    10: Known(403, "Permission Denied", "Permission is either not granted or has been removed."),
    33: Known(400, "Parameter value is not valid", "The business phone number has been deleted."),
    100: Known(400, "Invalid parameter", "The request included one or more unsupported or misspelled parameters."),
    190: Known(401, "Access token has expired", "Your access token has expired."),
    200: Known(403, "API Permission", "Permission is either not granted or has been removed."),
    368: Known(403, "Temporarily blocked for policies violations", "The account has been restricted or disabled."),
    80007: Known(429, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130429: Known(429, "Rate limit hit", "Cloud API message throughput has been reached."),
    130472: Known(400, "User's number is part of an experiment", "Message was not sent as part of an experiment."),
    130497: Known(403, "Business account is restricted from messaging users in this country.", "Restricted country."),
    131000: Known(500, "Something went wrong", "Message failed to send due to an unknown error."),
    131005: Known(403, "Access denied", "Permission is either not granted or has been removed."),
    131008: Known(400, "Required parameter is missing", "The request is missing a required parameter."),
    131009: Known(400, "Parameter value is not valid", "One or more parameter values are invalid."),
    131016: Known(500, "Service unavailable", "A service is temporarily unavailable."),
    131021: Known(400, "Recipient cannot be sender", "Sender and recipient phone number is the same."),
    131026: Known(400, "Message undeliverable", "Unable to deliver message."),
    131030: Known(400, "Recipient phone number not in allowed list", "Add recipient phone number to recipient list."),
    131031: Known(403, "Account has been locked", "The WhatsApp Business Account has been restricted or disabled."),
    131037: Known(400, "Display name approval needed", "The number does not have an approved display name."),
    131042: Known(400, "Business eligibility payment issue", "There was an error related to your payment method."),
    131045: Known(500, "Incorrect certificate", "Message failed to send due to a phone number registration error."),
    131047: Known(
        400,
        "Re-engagement message",
        "More than 24 hours have passed since the customer last replied to this number.",
    ),
    131048: Known(429, "Spam rate limit hit", "There are restrictions on how many messages this number may send."),
    131049: Known(
        400, "Meta chose not to deliver.", "This message was not delivered to maintain healthy ecosystem engagement."
    ),
    131050: Known(400, "User has stopped marketing messages", "The recipient chose to stop receiving them."),
    131051: Known(400, "Unsupported message type", "Message type is currently not supported."),
    131052: Known(400, "Media download error", "Unable to download the media sent by the user."),
    131053: Known(400, "Media upload error", "Unable to upload the media used in the message."),
    131056: Known(
        429,
        "(Business Account, Consumer Account) pair rate limit hit",
        "Message failed to send because there were too many messages sent from this phone number to the same phone "
        "number in a short period of time.",
    ),
    131057: Known(500, "Account in maintenance mode", "Business Account is in maintenance mode."),
    131062: Known(400, "Recipient has no phone number", "This template needs the recipient's phone number."),
    131064: Known(400, "Messaging limit reached", "The business portfolio has used up its messaging limit."),
    132000: Known(400, "Template Param Count Mismatch", "Number of parameters does not match the expected number."),
    132001: Known(404, "Template does not exist", "Template name does not exist in the translation."),
    132005: Known(400, "Template Hydrated Text Too Long", "Translated text is too long."),
    132007: Known(400, "Template Format Character Policy Violated", "Template content violates a WhatsApp policy."),
    132012: Known(400, "Template Parameter Format Mismatch", "Parameter values formatted incorrectly."),
    132015: Known(400, "Template is Paused", "Template is paused due to low quality."),
    132016: Known(400, "Template is Disabled", "Template has been paused too many times and is now disabled."),
    133010: Known(
        400, "Phone number Not Registered", "Phone number not registered on the WhatsApp Business Platform."
    ),
}


def refused(code: int, details: str = "") -> Refusal:
    """An error of the reference; the details may be more exact than there."""
    known = KNOWN.get(code, KNOWN[131000])
    data = {"messaging_product": "whatsapp", "details": details or known.details}
    return Refusal(
        known.status,
        {"message": f"(#{code}) {known.title}", "type": "OAuthException", "code": code, "error_data": data},
    )


def in_a_webhook(code: int, details: str = "") -> Object:
    """An error as a webhook carries it."""
    known = KNOWN.get(code, KNOWN[131000])
    return {
        "code": code,
        "title": known.title,
        "message": known.title,
        "error_data": {"details": details or known.details},
        "href": ERRORS_PAGE,
    }
