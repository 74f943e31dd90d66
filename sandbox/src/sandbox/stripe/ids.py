"""Ids as Stripe makes them: a prefix that tells the kind, and letters and digits after it."""

import secrets
import string
import time
from typing import Final

ACCOUNT: Final = "acct_1SandB7WZ01zgkW"
_ACCOUNT_PART: Final = "B7WZ01zgkW"
_LETTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase


def short_id(prefix: str) -> str:
    """Fourteen characters: customers, products, items of subscriptions, requests."""
    return f"{prefix}_{letters(14)}"


def long_id(prefix: str, generation: int = 1) -> str:
    """Twenty-four characters, of which ten are the account's: nearly all else; payments are of generation 3."""
    return f"{prefix}_{generation}{_in_letters(int(time.time()))[-6:]}{_ACCOUNT_PART}{letters(7)}"


def secret_of(identifier: str) -> str:
    """What a browser needs beside the id to act on an intent."""
    return f"{identifier}_secret_{letters(25)}"


def letters(count: int) -> str:
    """So many characters that nobody can guess."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _in_letters(number: int) -> str:
    found = ""
    while number:
        number, at = divmod(number, len(_LETTERS))
        found = _LETTERS[at] + found
    return found
