from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from inbox.arrangement.facts import tell_arranged
from inbox.attributes.errors import AttributeNotFound, AttributeTaken, ChoicesMissing, TooManyAttributes, ValueRefused
from inbox.attributes.model import MOST_ATTRIBUTES, AppliesTo, Attribute, Value
from inbox.attributes.reading import VALUE, written_values
from inbox.attributes.repository import AttributeRepository
from inbox.attributes.schemas import ChangeAttribute, MakeAttribute, SetAttributes
from inbox.contacts.recognizing import subject
from inbox.conversations.facts import tell_all_changed
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository, PersonsConversations
from inbox.messages.errors import ContactForgotten
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.seal import Keyring, KeyShredded


@dataclass(frozen=True, slots=True)
class AttributeService:
    """Attributes that an organization defines, and their values on conversations."""

    database: Database
    keyring: Keyring

    async def all(self, caller: MemberCaller, applies_to: AppliesTo | None) -> list[Attribute]:
        """All there are, by key."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await AttributeRepository(tx).all(applies_to)

    async def make(self, caller: MemberCaller, wanted: MakeAttribute, once: Idempotency) -> Attribute:
        """Define one.

        Raises:
            AttributeTaken: there is one of this key.
            TooManyAttributes: there are as many as there can be.
            ChoicesMissing: only a list has choices, and every list.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            attributes = AttributeRepository(tx)
            if earlier := await once.claim(tx):
                return await _the(attributes, earlier.resource_id)
            await attributes.one_by_one()
            if len(await attributes.all(wanted.applies_to)) >= MOST_ATTRIBUTES:
                raise TooManyAttributes
            fresh = Attribute(id=new_id(), version=1, created_at=self.database.clock.now(), **dict(wanted))
            made = await attributes.add(_with_choices(fresh, wanted.choices))
            if made is None:
                raise AttributeTaken
            await once.remember(tx, made.id)
            await _tell(tx, caller, made, "made")
        return made

    async def change(
        self, caller: MemberCaller, attribute_id: UUID, wanted: ChangeAttribute, expected: Condition
    ) -> Attribute:
        """Give one another name or other choices.

        Raises:
            ChoicesMissing: only a list has choices, and every list.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            attributes = AttributeRepository(tx)
            before = await _the(attributes, attribute_id)
            expected.check(before.version)
            choices = before.choices if wanted.choices is None else wanted.choices
            now = _with_choices(replace(before, name=wanted.name or before.name), choices)
            if now == before:
                return before
            now = replace(now, version=before.version + 1)
            await attributes.save(now)
            await _tell(tx, caller, now, "changed")
        return now

    async def delete(self, caller: MemberCaller, attribute_id: UUID) -> None:
        """It is gone with all its values: these are shown no more, and deleted by and by."""
        async with self.database.transaction(caller.organization_id) as tx:
            attributes = AttributeRepository(tx)
            before = await _the(attributes, attribute_id)
            await attributes.delete(attribute_id)
            await _tell(tx, caller, replace(before, version=before.version + 1), "deleted")

    async def values(self, caller: MemberCaller, conversation_id: UUID) -> Mapping[str, Value]:
        """The values of a conversation, by key."""
        async with self.database.snapshot(caller.organization_id) as tx:
            await ConversationRepository(tx).find(conversation_id)
            return await self._read(tx, conversation_id)

    async def set(self, caller: MemberCaller, conversation_id: UUID, wanted: SetAttributes) -> Mapping[str, Value]:
        """Set some values of a conversation; all or none.

        Raises:
            ValueRefused: one does not suit its attribute, or there is no such attribute.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            conversation = await ConversationRepository(tx).lock(conversation_id)
            known = {each.key: each for each in await AttributeRepository(tx).all("conversation")}
            for key in wanted.values:
                if key not in known:
                    raise ValueRefused(key, "There is no such attribute; GET /v1/attributes lists those there are.")
            given = [(known[key], value) for key, value in wanted.values.items() if value is not None]
            there = await AttributeRepository(tx).values([conversation_id])
            origins = {row["attribute_id"]: row["origin_id"] for row in there}
            rows = [await self._row(tx, conversation, origins.get(each.id), each, value) for each, value in given]
            gone = [known[key].id for key, value in wanted.values.items() if value is None]
            await AttributeRepository(tx).put(conversation_id, rows, gone)
            await tell_all_changed(tx, await PersonsConversations(tx).touch([conversation_id]))
            return await self._read(tx, conversation_id)

    async def _read(self, tx: Transaction, conversation_id: UUID) -> dict[str, Value]:
        written = await written_values(tx, self.keyring, conversation_id)
        return {attribute.key: attribute.read(value) for attribute, value in written}

    async def _row(
        self,
        tx: Transaction,
        conversation: Conversation,
        origin_id: UUID | None,
        attribute: Attribute,
        value: Value,
    ) -> tuple[Attribute, str, bytes | None]:
        written = attribute.written(value)
        if not attribute.personal:
            return attribute, written, None
        try:
            owner = await ConversationRepository(tx).begun_with(conversation, origin_id)
            sealed = await self.keyring.seal(tx.organization_id, written.encode(), VALUE, subject=subject(owner))
        except KeyShredded as shredded:
            raise ContactForgotten from shredded
        return attribute, written, sealed


async def _tell(tx: Transaction, caller: MemberCaller, attribute: Attribute, what: str) -> None:
    await tell_arranged(tx, "attribute", attribute.id, attribute.version, deleted=what == "deleted")
    await tx.emit(audited("inbox.arrangement.changed", caller, "attribute", attribute.id, what=what))


async def _the(attributes: AttributeRepository, attribute_id: UUID) -> Attribute:
    found = await attributes.lock(attribute_id)
    if found is None:
        raise AttributeNotFound
    return found


def _with_choices(attribute: Attribute, choices: Sequence[str]) -> Attribute:
    if (attribute.type in ("list", "several")) != bool(choices) or len(set(choices)) != len(choices):
        raise ChoicesMissing
    return replace(attribute, choices=tuple(choices))
