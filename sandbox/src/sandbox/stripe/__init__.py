"""Stripe, as far as payments and billing go."""

from sandbox.stripe.member import Stripe

__all__ = ("Stripe",)
