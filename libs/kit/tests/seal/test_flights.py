import asyncio
import gc
import weakref
from collections.abc import Collection, Mapping

from kit.errors import TransientError
from kit.seal.flights import Flights


class Source:
    """Answers when told, and remembers what it was asked."""

    def __init__(self, *, broken: Collection[int] = ()) -> None:
        self.asked: list[set[int]] = []
        self.away = False
        self.broken = set(broken)
        self.may_answer = asyncio.Event()
        self.was_asked = asyncio.Event()

    async def fetch(self, keys: Collection[int]) -> Mapping[int, str]:
        self.asked.append(set(keys))
        self.was_asked.set()
        await self.may_answer.wait()
        if self.away:
            raise TransientError
        if self.broken & set(keys):
            raise LookupError(min(self.broken & set(keys)))
        return {key: f"v{key}" for key in keys if key >= 0}


async def test_what_is_asked_for_during_a_question_goes_with_the_next_and_nothing_is_asked_twice() -> None:
    source = Source()
    flights = Flights(source.fetch, at_most=3)
    first = asyncio.create_task(flights.get([1, 2]))
    await source.was_asked.wait()
    others = [asyncio.create_task(flights.get(keys)) for keys in ([2], [3, 1], [4, 5], [5, 6], [-1], [])]
    await asyncio.sleep(0)
    source.may_answer.set()
    assert await first == {1: "v1", 2: "v2"}
    found = await asyncio.gather(*others)
    assert found == [{2: "v2"}, {3: "v3", 1: "v1"}, {4: "v4", 5: "v5"}, {5: "v5", 6: "v6"}, {}, {}]
    assert source.asked == [{1, 2}, {3, 4, 5}, {6, -1}]
    assert await flights.get([1]) == {1: "v1"}, "it remembers nothing"


async def test_who_is_cancelled_takes_nothing_from_the_others() -> None:
    source = Source()
    flights = Flights(source.fetch)
    first, second = (asyncio.create_task(flights.get([1])) for _ in range(2))
    await source.was_asked.wait()
    first.cancel()
    source.may_answer.set()
    assert await second == {1: "v1"}
    assert source.asked == [{1}]


async def test_when_the_source_is_away_all_who_wait_hear_it_and_the_next_question_is_asked_anew() -> None:
    source = Source()
    source.away = True
    source.may_answer.set()
    flights = Flights(source.fetch)
    found = await asyncio.gather(*(flights.get([key]) for key in range(5)), return_exceptions=True)
    assert [type(each) for each in found] == [TransientError] * 5
    assert len(source.asked) == 1
    source.away = False
    assert await flights.get([1]) == {1: "v1"}


async def test_one_that_is_broken_breaks_no_other() -> None:
    source = Source(broken=[2])
    source.may_answer.set()
    flights = Flights(source.fetch)
    found = await asyncio.gather(*(flights.get([key]) for key in (1, 2, 3)), return_exceptions=True)
    assert found[0] == {1: "v1"}
    assert isinstance(found[1], LookupError)
    assert found[2] == {3: "v3"}


async def test_an_error_does_not_hold_on_to_who_has_met_it() -> None:
    source = Source(broken=[1])
    source.may_answer.set()
    flights = Flights(source.fetch)

    class Held:
        pass

    async def meet() -> "weakref.ref[Held]":
        held = Held()
        found = weakref.ref(held)
        try:
            await flights.get([1])
        except LookupError:
            return found
        raise AssertionError("it is broken")

    gc.disable()
    try:
        assert (await meet())() is None
    finally:
        gc.enable()
