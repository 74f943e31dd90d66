"""What generation costs in a month at 1,000 daily users, from measured tokens: `python -m benchmarks.monthly_cost`.

The service runs against the sandbox's model, which counts four bytes of messages, schemas and tools for a token. Each
kind of work is done a few times, and what the service itself has recorded of it (tokens, cost, plain way, savings) is
multiplied by how often people do it. How often that is stands in `HABITS`: it is an assumption, and the one to
change. Prices are those of `providers/prices.toml` with their dates. The plain way is the best model for everything,
nothing cached, nothing left out, nothing in bulk.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table

from benchmarks.generation import opened
from benchmarks.harness import FOLDER
from generation.assistant import prompts as talk
from generation.assistant.model import Said, Turn, TurnState, TurnView
from generation.assistant.personas import personas
from generation.assistant.tools import ABILITIES
from generation.bootstrap import Parts
from generation.calls.calling import Wish
from generation.calls.model import Period, Purpose
from generation.calls.repository import CallRepository
from generation.generations import prompts
from generation.generations.model import Sums, Wanted
from generation.providers.base import Ask, Message, ToolCall
from kit.clock import SystemClock
from kit.ids import new_id
from kit.testing.outside import running_sandbox
from postrules.limits import Platform

USERS: Final = 1_000
DAYS: Final = 30
MICROS: Final = 1_000_000
TIMES: Final = 5
"""How often each kind of work is done to measure it."""

BRIEF: Final = (
    "We open a second shop on Saturday at nine, in the old post office by the bridge. There is coffee for everybody "
    "who comes by bike, bread from our own oven, and a table for children. Bring friends. "
)


@dataclass(frozen=True, slots=True)
class Habit:
    """A kind of work: how often a user does it a day, and how much of it is asked again or can wait."""

    name: str
    a_day: float
    again: float = 0.0
    """The part of it that is asked just so once more within a day, and so answered from the cache."""
    bulk: float = 0.0
    """The part of it that can wait for a batch, at half the price."""


HABITS: Final = (
    Habit("captions for three platforms", 1.5, again=0.10, bulk=0.20),
    Habit("captions for seven platforms in two languages", 0.2, bulk=0.5),
    Habit("a text made shorter", 0.8, again=0.05),
    Habit("a text translated", 0.4, again=0.10, bulk=0.3),
    Habit("an answer of the assistant with two tools", 1.0),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one piece of work takes: tokens, and money in millionths of a US dollar."""

    read: float
    wrote: float
    cost: float
    plain: float
    compacted: float

    def month(self, habit: Habit) -> tuple[float, float]:
        """Dollars in a month as we do it, and by the plain way."""
        times = habit.a_day * USERS * DAYS
        paid = times * (1 - habit.again) * (1 - habit.bulk * 0.5) * self.cost
        return paid / MICROS, times * self.plain / MICROS


async def measured(parts: Parts, asks: Sequence[Ask]) -> Measured:
    """Do it some times, and read what was recorded; the money of each goes by the service's own books."""
    organization_id = new_id()
    for _ in range(TIMES):
        for ask in asks:
            purpose = Purpose(organization_id, None, "measured", new_id())
            async for _piece in parts.calling.write(purpose, ask, Wish()):
                pass
    now = SystemClock().now()
    period = Period(now - timedelta(days=1), now + timedelta(days=1))
    async with parts.accounting.database.snapshot(organization_id) as tx:
        calls = CallRepository(tx, parts.accounting.default_limit)
        (line,) = await calls.usage("feature", period, 1)
        saved = {each.way: each.plain - each.cost for each in await calls.savings(period)}
    found = (line.input_tokens, line.output_tokens, line.cost, line.plain, saved.get("compaction", 0))
    return Measured(*(each / TIMES for each in found))


def work() -> Mapping[str, Sequence[Ask]]:
    """What models are asked for each habit, by our own prompts."""
    three = (Platform.LINKEDIN, Platform.X, Platform.INSTAGRAM)
    text = BRIEF * 2
    wanted = (
        Wanted("captions", BRIEF, three, hashtags=3),
        Wanted("captions", BRIEF, tuple(Platform), languages=("en", "de")),
        Wanted("improve", text, (Platform.LINKEDIN,), improvement="shorter"),
        Wanted("translate", text, (Platform.LINKEDIN,), languages=("de",)),
    )
    asks = [[prompts.ask(each, each.slots)] for each in wanted]
    return dict(zip((each.name for each in HABITS), [*asks, talking()], strict=True))


def talking() -> Sequence[Ask]:
    """The three calls of an answer with two tools, eight turns into a conversation."""
    persona = personas()["generalist"]
    tools = [ABILITIES[name].tool for name in persona.tools]
    before = [_turn(number) for number in range(1, 9)]
    told = talk.told(persona, "", before, Said("Move the post about the second shop to Friday."), SystemClock().now())
    messages, asks = list(told.messages), []
    for number in range(3):
        asks.append(Ask(tuple(messages), 300, tools=tools, left_out=told.left_out))
        messages.append(Message("assistant", "", calls=[ToolCall(f"call_{number}", "find_posts", "{}")]))
        found = {"posts": [{"id": str(new_id()), "text": BRIEF, "status": "scheduled"} for _ in range(5)]}
        messages.append(Message("tool", json.dumps(found), answers=f"call_{number}"))
    return asks


def _turn(number: int) -> TurnView:
    now, some = SystemClock().now(), UUID(int=number)
    turn = Turn(some, some, some, number, TurnState.DONE, "", "", b"", b"", Sums(), 1, now, now)
    return TurnView(turn, Said(BRIEF), BRIEF * 3)


async def main() -> None:
    """Measure, multiply, show."""
    with running_sandbox() as sandbox:
        async with opened(f"{sandbox.url}/openai/v1", "short", with_proxy=False) as stage:
            found = {name: await measured(stage.parts, asks) for name, asks in work().items()}
    rows = [(habit, found[habit.name], *found[habit.name].month(habit)) for habit in HABITS]
    shown = Table("work", box=None, header_style="bold")
    for column in ("a user and day", "tokens read", "written", "one costs", "plain", "a month", "plain", "saved"):
        shown.add_column(column, justify="right")
    for habit, one, month, plain in rows:
        shown.add_row(*_row(habit, one, month, plain))
    ours, theirs = sum(row[2] for row in rows), sum(row[3] for row in rows)
    shown.add_row("together", "", "", "", "", "", _usd(ours), _usd(theirs), _percent(ours, theirs))
    Console(width=150).print(shown)
    Console().print(f"{_usd(ours / USERS)} a user and month, at {USERS} daily users")
    FOLDER.mkdir(parents=True, exist_ok=True)
    told = {"users": USERS, "days": DAYS, "usd": _rounded(ours), "plain_usd": _rounded(theirs)}
    more: list[dict[str, Any]] = [
        {"work": row[0].name, "usd": _rounded(row[2]), "plain_usd": _rounded(row[3])} for row in rows
    ]
    (FOLDER / "monthly_cost.json").write_text(json.dumps(told | {"work": more}, indent=2) + "\n", encoding="utf-8")


def _row(habit: Habit, one: Measured, month: float, plain: float) -> Sequence[str]:
    money = (
        _usd(one.cost / MICROS, 5),
        _usd(one.plain / MICROS, 5),
        _usd(month),
        _usd(plain),
        _percent(month, plain),
    )
    return (habit.name, f"{habit.a_day:g}", f"{one.read:.0f}", f"{one.wrote:.0f}", *money)


def _usd(amount: float, places: int = 2) -> str:
    return f"{Decimal(amount):.{places}f} USD"


def _rounded(amount: float) -> float:
    return round(amount, 2)


def _percent(ours: float, theirs: float) -> str:
    return f"{100 * (1 - ours / theirs):.0f} %"


if __name__ == "__main__":
    asyncio.run(main())
