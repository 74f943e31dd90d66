from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from generation.assistant.errors import ActionNotFound, ConversationNotFound, TurnNotFound
from generation.assistant.model import (
    DOING,
    LEASE,
    REPEATABLE,
    WAITS,
    Action,
    ActionState,
    Conversation,
    Ended,
    Turn,
    TurnState,
)
from generation.generations.model import Sums
from kit.db.database import Row, Transaction

_CONVERSATION: Final = (
    "id, organization_id, created_by, persona, title_sealed, turns, version, created_at, changed_at"
)
_TURN: Final = """
    id, conversation_id, organization_id, number, state, reason, detail, asked_sealed, answer_sealed, input_tokens,
    output_tokens, cost, plain, attempts, model, version, created_at, ended_at
"""
_STATE: Final = f"""
    CASE
        WHEN state = 'pending' AND expires_at <= kit_now() THEN 'expired'
        WHEN state = 'doing' AND begun_at <= kit_now() - interval '{REPEATABLE.total_seconds()} seconds'
            THEN 'unconfirmed'
        WHEN state = 'doing' AND leased_until <= kit_now() THEN 'unknown'
        ELSE state
    END
"""
_ACTION: Final = f"""
    id, conversation_id, turn_id, organization_id, tool, proposal_sealed, {_STATE} AS state, reason, attempt,
    expires_at, version, created_at, decided_at
"""


@dataclass(frozen=True, slots=True)
class AssistantRepository:
    """Conversations with the assistant in the transaction's organization."""

    tx: Transaction

    async def begin(self, conversation_id: UUID, by: UUID, persona: str) -> Conversation:
        """Begin one."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO assistant_conversations (id, organization_id, created_by, persona) VALUES ($1, $2, $3, $4)
            RETURNING {_CONVERSATION}
            """,  # noqa: S608 - a constant
            conversation_id,
            self.tx.organization_id,
            by,
            persona,
        )
        return _conversation(row)

    async def find(self, conversation_id: UUID, of: UUID, *, lock: bool = False) -> Conversation:
        """One of this person's."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_CONVERSATION} FROM assistant_conversations
            WHERE id = $1 AND organization_id = $2 AND created_by = $3
            """  # noqa: S608 - a constant
            + (" FOR UPDATE" if lock else ""),
            conversation_id,
            self.tx.organization_id,
            of,
        )
        return _conversation(row)

    async def page(self, of: UUID, after: UUID | None, limit: int) -> list[Conversation]:
        """This person's, the newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_CONVERSATION} FROM assistant_conversations
            WHERE organization_id = $1 AND created_by = $2 AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            of,
            after,
            limit,
        )
        return [_conversation(row) for row in rows]

    async def touch(self, conversation_id: UUID, title_sealed: bytes) -> None:
        """One more turn; the first gives the title."""
        await self.tx.execute(
            """
            UPDATE assistant_conversations SET turns = turns + 1, version = version + 1, changed_at = kit_now(),
                title_sealed = coalesce(title_sealed, $3)
            WHERE id = $1 AND organization_id = $2
            """,
            conversation_id,
            self.tx.organization_id,
            title_sealed,
        )

    async def delete(self, conversation_id: UUID) -> None:
        """Delete one with all that was said in it."""
        await self.tx.execute(
            "DELETE FROM assistant_conversations WHERE id = $1 AND organization_id = $2",
            conversation_id,
            self.tx.organization_id,
        )

    async def add_turn(self, turn_id: UUID, conversation: Conversation, asked_sealed: bytes) -> Turn:
        """Keep what is said; its answer begins, with a lease. The conversation is locked."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO assistant_turns (id, conversation_id, organization_id, number, state, asked_sealed,
                                         leased_until)
            VALUES ($1, $2, $3, $4, 'running', $5, kit_now() + $6::interval)
            RETURNING {_TURN}
            """,  # noqa: S608 - a constant
            turn_id,
            conversation.id,
            self.tx.organization_id,
            conversation.turns + 1,
            asked_sealed,
            LEASE,
        )
        return _turn(row)

    async def running(self, conversation_id: UUID) -> bool:
        """Whether an answer is under way."""
        found = await self.tx.fetchval(
            "SELECT true FROM assistant_turns "
            "WHERE conversation_id = $1 AND organization_id = $2 AND state = 'running'",
            conversation_id,
            self.tx.organization_id,
        )
        return bool(found)

    async def turn(self, turn_id: UUID, conversation_id: UUID) -> Turn:
        """One turn of a conversation."""
        row = await self.tx.fetchrow(
            f"SELECT {_TURN} FROM assistant_turns "  # noqa: S608 - a constant
            "WHERE id = $1 AND conversation_id = $2 AND organization_id = $3",
            turn_id,
            conversation_id,
            self.tx.organization_id,
        )
        return _turn(row)

    async def turns(self, conversation_id: UUID, before: int | None, limit: int) -> list[Turn]:
        """Turns of a conversation, the latest first, from before a number on."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_TURN} FROM assistant_turns
            WHERE conversation_id = $1 AND organization_id = $2 AND ($3::integer IS NULL OR number < $3)
            ORDER BY number DESC LIMIT $4
            """,  # noqa: S608 - a constant
            conversation_id,
            self.tx.organization_id,
            before,
            limit,
        )
        return [_turn(row) for row in rows]

    async def end(self, turn_id: UUID, ended: Ended, answer_sealed: bytes | None, sums: Sums) -> Turn | None:
        """Record what came of it, once; None when that was recorded before."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE assistant_turns SET state = $3, reason = $4, detail = $5, answer_sealed = $6, input_tokens = $7,
                output_tokens = $8, cost = $9, plain = $10, attempts = $11, model = $12, leased_until = NULL,
                version = version + 1, ended_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'running'
            RETURNING {_TURN}
            """,  # noqa: S608 - a constant
            turn_id,
            self.tx.organization_id,
            ended.state,
            ended.reason,
            ended.detail,
            answer_sealed,
            sums.input_tokens,
            sums.output_tokens,
            sums.cost,
            sums.plain,
            sums.attempts,
            sums.model,
        )
        return None if row is None else _turn(row)

    async def add_piece(self, turn_id: UUID, number: int, sealed: bytes) -> None:
        """Keep a piece of its stream."""
        await self.tx.execute(
            """
            INSERT INTO assistant_pieces (turn_id, organization_id, number, piece_sealed)
            SELECT id, $2, $3, $4 FROM assistant_turns WHERE id = $1 AND organization_id = $2 ON CONFLICT DO NOTHING
            """,
            turn_id,
            self.tx.organization_id,
            number,
            sealed,
        )

    async def pieces(self, turn_id: UUID, after: int, limit: int) -> list[Row]:
        """Pieces of its stream after a number."""
        return await self.tx.fetch(
            """
            SELECT number, piece_sealed FROM assistant_pieces
            WHERE turn_id = $1 AND organization_id = $2 AND number > $3 ORDER BY number LIMIT $4
            """,
            turn_id,
            self.tx.organization_id,
            after,
            limit,
        )

    async def put_before(self, action_id: UUID, turn: Turn, tool: str, sealed: bytes) -> bool:
        """Put something before the person; False when the turn has ended meanwhile."""
        made = await self.tx.execute(
            """
            INSERT INTO assistant_actions (id, conversation_id, turn_id, organization_id, tool, proposal_sealed,
                                           expires_at)
            SELECT $1, conversation_id, id, organization_id, $4, $5, kit_now() + $6::interval
            FROM assistant_turns WHERE id = $2 AND organization_id = $3 AND state = 'running'
            """,
            action_id,
            turn.id,
            self.tx.organization_id,
            tool,
            sealed,
            WAITS,
        )
        return made == 1

    async def actions(self, turn_ids: Collection[UUID]) -> list[Action]:
        """All that was put before the person in these turns, the first first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_ACTION} FROM assistant_actions WHERE turn_id = ANY ($1) AND organization_id = $2
            ORDER BY turn_id, id
            """,  # noqa: S608 - a constant
            list(turn_ids),
            self.tx.organization_id,
        )
        return [_action(row) for row in rows]

    async def action(self, action_id: UUID, of: UUID) -> Action:
        """Something that was put before this person, for update: others who decide on it wait."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_ACTION} FROM assistant_actions
            WHERE id = $1 AND organization_id = $2
              AND conversation_id IN (
                  SELECT held.id FROM assistant_conversations AS held
                  WHERE held.organization_id = $2 AND held.created_by = $3
              )
            FOR UPDATE
            """,  # noqa: S608 - a constant
            action_id,
            self.tx.organization_id,
            of,
        )
        return _action(row)

    async def refuse(self, action_id: UUID) -> Action:
        """The person said no; the action is locked."""
        return await self._decide(action_id, "state = 'refused', decided_at = kit_now()")

    async def claim(self, action_id: UUID) -> Action:
        """Begin to do it, under a lease; the action is locked."""
        return await self._decide(
            action_id,
            "state = 'doing', attempt = attempt + 1, begun_at = coalesce(begun_at, kit_now()), "
            f"decided_at = coalesce(decided_at, kit_now()), "
            f"leased_until = kit_now() + interval '{DOING.total_seconds()} seconds'",
        )

    async def settle(self, action: Action, state: ActionState, reason: str) -> Action | None:
        """Record what came of an attempt; None when another has begun meanwhile."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE assistant_actions SET state = $4, reason = $5, leased_until = NULL, version = version + 1
            WHERE id = $1 AND organization_id = $2 AND attempt = $3 AND state = 'doing' RETURNING {_ACTION}
            """,  # noqa: S608 - a constant
            action.id,
            self.tx.organization_id,
            action.attempt,
            state,
            reason,
        )
        return None if row is None else _action(row)

    async def lose(self, action: Action) -> Action:
        """Nobody knows what came of an attempt: it may be found out at once."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE assistant_actions SET version = version + 1,
                leased_until = CASE WHEN attempt = $3 AND state = 'doing' THEN kit_now() ELSE leased_until END
            WHERE id = $1 AND organization_id = $2 RETURNING {_ACTION}
            """,  # noqa: S608 - a constant
            action.id,
            self.tx.organization_id,
            action.attempt,
        )
        return _action(row)

    async def _decide(self, action_id: UUID, changes: str) -> Action:
        row = await self.tx.fetchrow(
            f"""
            UPDATE assistant_actions SET {changes}, version = version + 1
            WHERE id = $1 AND organization_id = $2 RETURNING {_ACTION}
            """,  # noqa: S608 - ours
            action_id,
            self.tx.organization_id,
        )
        return _action(row)


@dataclass(frozen=True, slots=True)
class PersonsConversations:
    """What one user talked about, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Conversation]:
        """Conversations in the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_CONVERSATION} FROM assistant_conversations
            WHERE created_by = $1 AND organization_id = ANY ($2) AND ($3::uuid IS NULL OR id > $3)
            ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant
            user_id,
            self.tx.organization_ids,
            after,
            limit,
        )
        return [_conversation(row) for row in rows]

    async def delete(self, user_id: UUID, at_most: int) -> dict[str, int]:
        """Delete as many of them with all that was said; how many rows, by table."""
        row = await self.tx.fetchrow(
            """
            WITH chosen AS (
                SELECT id FROM assistant_conversations WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            ), actions AS (
                DELETE FROM assistant_actions WHERE conversation_id IN (SELECT id FROM chosen) RETURNING 1
            ), turns AS (
                DELETE FROM assistant_turns WHERE conversation_id IN (SELECT id FROM chosen) RETURNING 1
            ), gone AS (
                DELETE FROM assistant_conversations WHERE id IN (SELECT id FROM chosen) RETURNING 1
            )
            SELECT (SELECT count(*) FROM gone) AS assistant_conversations,
                   (SELECT count(*) FROM turns) AS assistant_turns,
                   (SELECT count(*) FROM actions) AS assistant_actions
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )
        return dict(row or {})


async def lapsed(tx: Transaction, at_most: int) -> Sequence[Row]:
    """Turns of all organizations whose process is gone."""
    return await tx.fetch("SELECT id, organization_id FROM assistant_turns_lapsed($1)", at_most)


async def forget_pieces(tx: Transaction, older_than: timedelta, at_most: int) -> int:
    """Delete pieces of streams that ended, of all organizations; how many."""
    return int(await tx.fetchval("SELECT assistant_pieces_forget($1, $2)", older_than, at_most))


def _conversation(row: Row | None) -> Conversation:
    if row is None:
        raise ConversationNotFound
    return Conversation(**dict(row))


def _turn(row: Row | None) -> Turn:
    if row is None:
        raise TurnNotFound
    found: dict[str, Any] = dict(row)
    sums = Sums(
        *(found.pop(each) for each in ("input_tokens", "output_tokens", "cost", "plain", "attempts", "model"))
    )
    return Turn(**found | {"state": TurnState(found["state"])}, sums=sums)


def _action(row: Row | None) -> Action:
    if row is None:
        raise ActionNotFound
    return Action(**dict(row) | {"state": ActionState(row["state"])})
