"""What a contact wants, where and what for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

Purpose = Literal["marketing", "utility", "service"]
State = Literal["granted", "withdrawn", "resumed"]
Shown = Literal["granted", "withdrawn", "none"]

PURPOSES: Final[Sequence[Purpose]] = ("marketing", "utility", "service")
"""Offers and news; what an order or appointment needs; answers of the team and codes to sign in."""

CHANNEL_KINDS: Final = ("whatsapp", "sms", "messenger", "instagram", "web_chat", "contact_form")

OF_CATEGORY: Final[Mapping[str, Purpose]] = MappingProxyType({"MARKETING": "marketing", "UTILITY": "utility"})
"""The purpose of a message with a template, by the template's category; any other is `service`."""

PROOF: Final = b"consent_entries.proof_sealed"


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish to be recorded. `resumed` takes the last withdrawal back and grants nothing that was never granted."""

    contact_id: UUID
    channel_kind: str
    purpose: Purpose
    state: State
    source: str
    at: datetime
    policy_version: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked before something leaves: may this contact be written to there, for that?"""

    contact_id: UUID
    channel_kind: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Answer:
    """How a contact stands to one purpose on one kind of channel, with all that are shown as the same."""

    state: Shown = "none"
    blocked: bool = False

    def refuses(self, *, needs_grant: bool = False) -> str:
        """The code of why nothing may be sent; empty when it may. Marketing to many needs that it was granted."""
        if self.blocked:
            return "contact-blocked"
        if self.state == "withdrawn":
            return "consent-withdrawn"
        return "consent-missing" if needs_grant and self.state != "granted" else ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest wish for one purpose on one kind of channel."""

    channel_kind: str
    purpose: str
    state: Shown
    source: str
    policy_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history; the proof is None where there is none, or the contact was forgotten."""

    id: UUID
    contact_id: UUID
    channel_kind: str
    purpose: str
    state: str
    source: str
    policy_version: str
    proof: str | None
    at: datetime
    created_at: datetime


def shown(state: str | None, *, ever_granted: bool) -> Shown:
    """As what the newest wish counts."""
    if state == "withdrawn":
        return "withdrawn"
    return "granted" if state == "granted" or (state == "resumed" and ever_granted) else "none"
