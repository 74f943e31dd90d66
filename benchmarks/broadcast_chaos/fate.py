"""What becomes of a message to one number outside; the same whenever it comes, so that both sides can know it."""

import random
from dataclasses import dataclass
from typing import Final

LOST, SILENT, REFUSED, FAILS, SLOW = 0.03, 0.02, 0.01, 0.01, 0.02
SLOW_SECONDS: Final = 2.0
REFUSED_CODE, FAILED_CODE = 131026, 131049


@dataclass(frozen=True, slots=True)
class Fate:
    """`lost`: it arrives, and the connection is cut without an answer. `refused`: nothing arrives.

    `fails`: it is accepted and reported as failed later. `silent`: no status of it ever comes. `slow`: the answer
    takes two seconds, long enough for its worker to die meanwhile.
    """

    lost: bool
    silent: bool
    refused: bool
    fails: bool
    slow: bool


def fate_of(number: str) -> Fate:
    """By the number alone."""
    chance = random.Random(f"fate of {number}")
    lost, silent, refused, fails, slow = (chance.random() for _ in range(5))
    return Fate(lost < LOST, silent < SILENT, refused < REFUSED, fails < FAILS, slow < SLOW)
