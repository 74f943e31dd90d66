"""The claims of one lane on their way: block by block, each at a slot."""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from kit.ledger import measures, pace
from kit.ledger.beginning import Beginning
from kit.ledger.claims import Claim, Claims


class Slots:
    """The slots of one lane's claims. One that has passed is lost, not caught up; once none is left, more are taken.

    Whoever misses those, too, takes them further ahead each time, and more of them: of a lane that is faster than its
    worker only some can be met, and each time that they are taken costs a commit.
    """

    def __init__(self, source: Claims, claims: Sequence[Claim]) -> None:
        last = claims[-1]
        self._source, self._lane_id, self._step = source, last.lane_id, last.step
        self._slots = deque(claim.slot for claim in claims)
        self._end, self._tail = last.slots_end, last.is_last
        self._late = pace.tolerance(last.step) if last.step else math.inf
        self._missed, self._lead, self._times = 0, source.lead, round(source.lead / pace.LEAD)

    def within(self, nth: int, seconds: float) -> bool:
        """Whether the nth slot from here comes so soon."""
        return nth < len(self._slots) and self._slots[nth] - pace.now() <= seconds

    async def wait(self, wanted: int, before: float = 0.0) -> float:
        """Wait for the next slot, or so many seconds less; until when a call may begin in it.

        Raises:
            TransientError: there are no more, and none can be had now.
        """
        while True:
            self._lose()
            if not self._slots:
                await self._reserve(wanted)
                continue
            left = self._slots[0] - before - pace.now()
            if not self._step or left <= 0:
                return self._slots[0] + self._late + pace.HAND_OVER
            await asyncio.sleep(left + self._together())

    def _together(self) -> float:
        """How much later some of the next slots come, for which one waking is enough."""
        nth = min(int(pace.TOGETHER / self._step), len(self._slots) - 1)
        return self._slots[nth] - self._slots[0]

    def take(self) -> None:
        """Use the next one."""
        self._slots.popleft()
        self._missed = 0

    def _lose(self) -> None:
        while self._step and self._slots and pace.now() - self._slots[0] > self._late:
            self._slots.popleft()
            self._missed += 1
            measures.SLOTS_MISSED.inc()

    async def _reserve(self, wanted: int) -> None:
        unused = self._end - timedelta(seconds=self._missed * self._step if self._tail else 0.0)
        slots = max(wanted, min(wanted * self._times, int(pace.LONGEST_LEAD / self._step))) if self._step else wanted
        more = await self._source.reserve(self._lane_id, slots, unused, self._end, self._lead)
        self._lead, self._times = min(2 * self._lead, pace.LONGEST_LEAD), 2 * self._times
        self._slots = deque(more.first + more.step * place for place in range(slots))
        self._step, self._end, self._tail, self._missed = more.step, more.end, True, 0
        self._late = pace.tolerance(more.step) if more.step else math.inf


class Walk:
    """Hands out the claims of one lane, each when it may be called; the next block begins while one is called."""

    def __init__(self, source: Claims, beginning: Beginning, claims: Sequence[Claim]) -> None:
        self._beginning = beginning
        self._slots = Slots(source, claims)
        self._blocks = deque(deque(same) for _, same in groupby(claims, key=lambda claim: claim.block_id))
        self._begun: dict[int, asyncio.Future[bool]] = {}
        self._late: deque[Claim] = deque()
        self._left, self._over = len(claims), False
        self.lost: list[Claim] = []
        """What was not begun: it has been given back, or nobody knows."""

    async def turn(self) -> tuple[Claim, float] | None:
        """Wait for the next call, and until when it may begin; None after the last one.

        Raises:
            TransientError: no slots can be had now.
        """
        while self._late or self._blocks:
            if self._late:
                return await self._again()
            block = self._blocks[0]
            if block[0].block_id not in self._begun:
                await self._slots.wait(self._left, self._beginning.ahead)
            if not await self._begin(block):
                self._left -= len(block)
                self.lost += self._blocks.popleft()
                continue
            if len(self._blocks) > 1 and self._slots.within(len(block), self._beginning.ahead):
                self._begin(self._blocks[1])
            latest = await self._slots.wait(self._left)
            self._slots.take()
            return self._next(block), latest
        return None

    def late(self, claim: Claim) -> bool:
        """Whether a claim gets another slot, which came too late for its own; nobody does once all is over."""
        if self._over:
            return False
        self._late.append(claim)
        self._left += 1
        return True

    def rest(self) -> list[Claim]:
        """End it, and what is left: nothing of it has been called."""
        self._over = True
        return [*self.lost, *self._late, *(claim for block in self._blocks for claim in block)]

    async def _again(self) -> tuple[Claim, float]:
        latest = await self._slots.wait(self._left)
        self._slots.take()
        self._left -= 1
        return self._late.popleft(), latest

    def _begin(self, block: "deque[Claim]") -> "asyncio.Future[bool]":
        block_id = block[0].block_id
        if block_id not in self._begun:
            self._begun[block_id] = self._beginning.begin(block_id)
        return self._begun[block_id]

    def _next(self, block: "deque[Claim]") -> Claim:
        self._left -= 1
        claim = block.popleft()
        if not block:
            self._blocks.popleft()
        return claim
