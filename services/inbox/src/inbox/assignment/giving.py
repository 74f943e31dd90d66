"""The loop that gives out what nobody has, organization by organization."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.assignment.model import Agent, Queue, distributed, gone, look_at, queues, unseen
from inbox.assignment.repository import AgentRepository, GivingRepository, PolicyRepository, by_id
from inbox.conversations.facts import tell_all_changed
from kit.db.database import Database, Transaction

_OF_EACH: Final = 100
"""Conversations of one queue and priority that are looked at in one turn."""

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Giving:
    """Gives conversations out and takes them back from those who are not there.

    One turn of one organization is one transaction that holds the organization's row: two workers never count
    the same people at once, so nobody is given more than they take, and one that dies has given nothing.
    """

    database: Database

    async def run(self) -> bool:
        """One turn of whoever waits longest for it; true when there was one."""
        async with self.database.transaction() as tx:
            claimed = await GivingRepository(tx).claim()
            if claimed is None:
                return False
            organization_id, turn = claimed
            await tx.bind(organization_id)
            await self.turn(tx, turn)
        return True

    async def turn(self, tx: Transaction, turn: int) -> None:
        """What is to be given out in the organization that the transaction is bound to and has claimed."""
        giving, agents = GivingRepository(tx), AgentRepository(tx)
        now = self.database.clock.now()
        found = by_id(queues(await PolicyRepository(tx).all(), *await giving.places()))
        there = await agents.all()
        taken = await self._take_back(tx, there, found, now)
        await giving.clear()
        if (
            not taken
        ):  # members are locked before conversations, so who was taken something from waits for another turn
            turn = await self._give(tx, there, found, turn)
        after = await agents.all()
        if taken or after != there:  # what is behind those that were looked at is looked at next
            await giving.nudge()
        await giving.served(turn, look_at(after, found, await agents.seen_until(), now))

    async def _give(self, tx: Transaction, there: list[Agent], found: dict[UUID, Queue], turn: int) -> int:
        """Give out what can be; the turn of the last that was given."""
        giving = GivingRepository(tx)
        waiting = await giving.waiting(found, unseen(there, found), _OF_EACH)
        wanted = distributed(waiting, there, found, turn, _AT_ONCE)
        if not wanted:
            return turn
        stay = await AgentRepository(tx).hold({each.user_id for each in wanted})
        given = [each for each in wanted if each.user_id in stay]
        await tell_all_changed(tx, await giving.give(given))
        await giving.note_turns({each.user_id: each.turn for each in given})
        return wanted[-1].turn

    async def _take_back(self, tx: Transaction, there: list[Agent], found: dict[UUID, Queue], now: datetime) -> bool:
        """Take from those who are gone what the policies of its queues let be given to others."""
        taken = False
        for after in sorted({queue.policy.release_after or 0 for queue in found.values()} - {0}):
            users = gone([agent for agent in there if agent.open], now, after)
            of = [queue.id for queue in found.values() if queue.policy.release_after == after]
            rows = await GivingRepository(tx).take_back(users, of, _AT_ONCE) if users else []
            await tell_all_changed(tx, rows)
            taken = taken or bool(rows)
        return taken
