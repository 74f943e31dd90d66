"""What one can choose in the first steps: our own data, the same for everybody."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "goals": "Say what you want to achieve.",
        "brand": "Choose the template that comes nearest to your business.",
        "organization": "Give your organization its name.",
        "accounts": "Connect the first account.",
        "team": "Invite those who work with you.",
        "first_post": "Read the draft that we have written for you.",
    }
)
"""The steps in their order."""

GOALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "be_seen": "Be seen by more people.",
        "post_regularly": "Post regularly without thinking of it every day.",
        "answer_faster": "Answer faster when somebody writes.",
        "win_customers": "Win customers.",
        "understand_numbers": "Understand which posts work.",
    }
)

TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "craft": "Workshops and crafts.",
        "food": "Restaurants, cafés and bakeries.",
        "advice": "Consultants, lawyers and tax advisers.",
        "shop": "Shops, with or without a counter.",
        "health": "Practices, trainers and studios.",
        "community": "Clubs, associations and causes.",
    }
)
