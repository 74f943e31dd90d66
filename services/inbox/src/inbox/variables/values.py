"""What stands for the variables of a text in one conversation: only what is asked for is read and opened."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from inbox.attributes.reading import written_values
from inbox.attributes.repository import AttributeRepository
from inbox.channels.repository import ChannelRepository
from inbox.contacts.recognizing import IDENTITY, NAME
from inbox.contacts.repository import ContactRepository
from inbox.conversations.model import Conversation
from inbox.signatures.repository import SIGNATURE, SignatureRepository
from inbox.variables.catalogue import CONVERSATION_ATTRIBUTE, VARIABLES
from kit.db.database import Transaction
from kit.seal import Keyring

_PHONES = ("phone", "whatsapp_id")


@dataclass(frozen=True, slots=True)
class Values:
    """Reads values under the keys of whom they are about."""

    keyring: Keyring

    async def known(self, tx: Transaction) -> frozenset[str]:
        """The names of all variables of the transaction's organization."""
        defined = await AttributeRepository(tx).all("conversation")
        return frozenset(VARIABLES) | {CONVERSATION_ATTRIBUTE + each.key for each in defined}

    async def of(
        self, tx: Transaction, conversation: Conversation, user_id: UUID, wanted: Collection[str]
    ) -> Mapping[str, str]:
        """The values of these variables, where something is known."""
        values = {"conversation.id": str(conversation.id), "conversation.channel": conversation.channel_kind}
        kinds = {name.partition(".")[0] for name in wanted}
        if "contact" in kinds:
            values |= await self._contact(tx, conversation.contact_id)
        if "agent" in kinds:
            values |= await self._agent(tx, user_id)
        if "channel" in kinds:
            channel = await ChannelRepository(tx).find(conversation.channel_id)
            values |= {"channel.name": channel.display_name, "channel.number": channel.display_number}
        if any(name.startswith(CONVERSATION_ATTRIBUTE) for name in wanted):
            written = await written_values(tx, self.keyring, conversation.id)
            values |= {CONVERSATION_ATTRIBUTE + attribute.key: value for attribute, value in written}
        return {name: value for name, value in values.items() if name in wanted and value}

    async def _contact(self, tx: Transaction, contact_id: UUID) -> dict[str, str]:
        contacts = ContactRepository(tx)
        names, known = await contacts.names([contact_id]), await contacts.known_as([contact_id])
        sealed = [(each, NAME) for each in names.values()] + [(row["sealed"], IDENTITY) for row in known]
        opened = await self.keyring.open_many(tx.organization_id, sealed) if sealed else []
        name, *_ = [_text(each) for each in opened[: len(names)]] or [""]
        by_kind: dict[str, str] = {}
        for row, value in zip(known, opened[len(names) :], strict=True):
            by_kind.setdefault(row["kind"], _text(value))
        number = next((by_kind[kind] for kind in _PHONES if by_kind.get(kind)), "")
        first, *_ = name.split() or [""]
        return {
            "contact.name": name,
            "contact.first_name": first,
            "contact.phone": f"+{number.lstrip('+')}" if number else "",
            "contact.email": by_kind.get("email", ""),
        }

    async def _agent(self, tx: Transaction, user_id: UUID) -> dict[str, str]:
        row = await SignatureRepository(tx).find(user_id)
        if row is None:
            return {}
        (name,) = await self.keyring.open_many(tx.organization_id, [(row["name_sealed"], SIGNATURE)])
        return {"agent.name": _text(name)}


def _text(opened: bytes | None) -> str:
    return "" if opened is None else opened.decode(errors="replace")
