"""Billing's tables, oldest first; schema.sql is their sum."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {
    "purchases": "what was bought without an account; it is nobody's until an organization claims it by its code",
    "coupons": "what is given off to everybody; staff alone have a door to it",
    "promotion_codes": "what anybody may redeem; staff alone have a door to it",
    "prices": "what is sold to everybody, and under which ids Stripe has it",
    "reconciliations": "comparisons of everything, which staff begin and read",
    "drifts": "what staff read of all organizations, and of objects that are nobody's",
}
