"""Every variable there is, besides the attributes that an organization defines."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Variable:
    """What stands for a value; `sample` is what a preview without a conversation shows."""

    says: str
    sample: str


VARIABLES: Final[Mapping[str, Variable]] = MappingProxyType(
    {
        "contact.name": Variable("What the contact is called.", "Sheena Nelson"),
        "contact.first_name": Variable("The first word of that.", "Sheena"),
        "contact.phone": Variable("A telephone number of the contact.", "+16505551234"),
        "contact.email": Variable("An e-mail address of the contact.", "sheena@example.com"),
        "agent.name": Variable("What the agent who writes is called, as they said at /v1/signature.", "Robin"),
        "conversation.id": Variable("The id of the conversation.", "0199c0de-0000-7000-8000-000000000000"),
        "conversation.channel": Variable("The kind of the channel.", "whatsapp"),
        "channel.name": Variable("The name of our end on the platform.", "Rostrum"),
        "channel.number": Variable("The number or address of our end.", "+15550001"),
    }
)

CONVERSATION_ATTRIBUTE: Final = "conversation.attributes."
"""With the key of an attribute behind it."""
