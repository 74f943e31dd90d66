"""Which published messages the broker has confirmed, by their delivery tags."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kit.messaging.wire import Message

Route = tuple[str, str, str]


@dataclass(slots=True)
class Batch:
    """Messages written together: consecutive tags, and a future of those refused (place → reason)."""

    first: int
    last: int
    mandatory: dict[Route, list[int]]
    done: "asyncio.Future[dict[int, str]]"


class Confirms:
    """Counts tags as they are written and settles batches as they are confirmed.

    Confirms may come out of order: the watermark moves over a gap-free prefix only.
    """

    def __init__(self) -> None:
        self._written = 0
        self._settled = 0
        self._early: set[int] = set()
        self._refused: dict[int, str] = {}
        self._batches: deque[Batch] = deque()

    def expect(self, messages: Sequence[Message]) -> Batch:
        """Number the messages that are about to be written."""
        first = self._written + 1
        self._written += len(messages)
        mandatory: dict[Route, list[int]] = {}
        for place, message in enumerate(messages):
            if message.mandatory:
                route = (message.exchange, message.routing_key, message.message_id)
                mandatory.setdefault(route, []).append(first + place)
        done: asyncio.Future[dict[int, str]] = asyncio.get_running_loop().create_future()
        batch = Batch(first, self._written, mandatory, done)
        self._batches.append(batch)
        return batch

    def answered(self, tag: int, *, multiple: bool, refused: bool) -> None:
        """Take note of an ack or a nack."""
        if refused:
            for each in range(self._settled + 1, tag + 1) if multiple else (tag,):
                if each not in self._early:
                    self._refused.setdefault(each, "refused by a queue")
        if multiple:
            self._settled = max(self._settled, tag)
            self._early = {each for each in self._early if each > self._settled}
        else:
            self._early.add(tag)
        while self._settled + 1 in self._early:
            self._settled += 1
            self._early.discard(self._settled)

    def returned(self, route: Route) -> None:
        """Take note that no queue took a mandatory message; its ack is still to come."""
        for batch in self._batches:
            tags = batch.mandatory.get(route)
            if tags:
                self._refused[tags.pop(0)] = f"no queue {route[1]}"
                return

    def settle(self) -> None:
        """Complete the batches whose last message was answered."""
        while self._batches and self._batches[0].last <= self._settled:
            batch = self._batches.popleft()
            mine = {tag for tag in self._refused if tag <= batch.last}
            refused = {tag - batch.first: self._refused.pop(tag) for tag in sorted(mine)}
            if not batch.done.done():
                batch.done.set_result(refused)

    def fail(self, trouble: Exception) -> None:
        """Complete every open batch with an error: nobody will know any more."""
        while self._batches:
            batch = self._batches.popleft()
            if not batch.done.done():
                batch.done.set_exception(trouble)
