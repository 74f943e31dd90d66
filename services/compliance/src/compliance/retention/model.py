from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kept(StrEnum):
    """What an organization decides about; each is a retention class of the data map."""

    MESSAGES = "messages"
    CONTACTS = "contacts"
    CONVERSATIONS = "conversations"


PLATFORM_DAYS: Final[Mapping[Kept, int]] = MappingProxyType(
    {Kept.MESSAGES: 730, Kept.CONTACTS: 1095, Kept.CONVERSATIONS: 730}
)
"""For how long the platform keeps what nobody decides about: from the last activity, interaction, or the closing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """For how long one organization keeps one thing; without `days` it is as long as the platform says."""

    retention: Kept
    days: int | None = None
    version: int = 0
