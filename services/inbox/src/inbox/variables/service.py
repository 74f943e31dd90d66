from dataclasses import dataclass

from inbox.conversations.repository import ConversationRepository
from inbox.variables.catalogue import VARIABLES
from inbox.variables.rendering import Filled, parsed
from inbox.variables.schemas import PreviewText, VariableOut
from inbox.variables.values import Values
from kit.db.database import Database
from kit.http.caller import MemberCaller


@dataclass(frozen=True, slots=True)
class VariableService:
    """Which variables there are, and what a text says with them."""

    database: Database
    values: Values

    async def list(self, caller: MemberCaller) -> list[VariableOut]:
        """All of the organization's."""
        async with self.database.snapshot(caller.organization_id) as tx:
            known = await self.values.known(tx)
        return [_shown(name) for name in sorted(known)]

    async def preview(self, caller: MemberCaller, wanted: PreviewText) -> Filled:
        """What a text says in a conversation, to whom asks; without one, with samples.

        Raises:
            VariableMalformed: a place that cannot be read.
            VariableUnknown: there is no such variable.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            text = parsed(wanted.text, await self.values.known(tx))
            if wanted.conversation_id is None:
                return text.filled({name: _shown(name).sample for name in text.variables})
            conversation = await ConversationRepository(tx).find(wanted.conversation_id)
            return text.filled(await self.values.of(tx, conversation, caller.user_id, text.variables))


def _shown(name: str) -> VariableOut:
    told = VARIABLES.get(name)
    if told is None:
        key = name.rpartition(".")[2]
        return VariableOut(name=name, says=f"The attribute {key}.", sample=key)
    return VariableOut(name=name, says=told.says, sample=told.sample)
