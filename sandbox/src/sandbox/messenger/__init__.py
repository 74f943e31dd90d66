"""Messenger and Instagram's direct messages, and the people who write there."""

from sandbox.messenger.member import Messenger

__all__ = ("Messenger",)
