from hypothesis import given
from hypothesis import strategies as st

from sandbox.ring import Ring


def test_the_oldest_fall_out_when_there_are_too_many() -> None:
    ring: Ring[int] = Ring(most=3)
    for number in range(5):
        ring.add(number)
    assert ring.page(limit=10).items == [4, 3, 2]


def test_the_oldest_fall_out_when_all_are_too_heavy_but_the_newest_stays() -> None:
    ring: Ring[str] = Ring(most=100, heaviest=10)
    ring.add("a", weight=6)
    ring.add("b", weight=4)
    assert ring.page(limit=10).items == ["b", "a"]
    ring.add("c", weight=1)
    assert ring.page(limit=10).items == ["c", "b"]
    ring.add("d", weight=99)
    assert ring.page(limit=10).items == ["d"]


def test_removing_and_clearing_free_the_weight() -> None:
    ring: Ring[str] = Ring(most=100, heaviest=10)
    ring.add("a", weight=10)
    ring.remove(lambda item: item == "a")
    ring.add("b", weight=5)
    ring.add("c", weight=5)
    assert ring.page(limit=10).items == ["c", "b"]
    ring.clear()
    ring.add("d", weight=5)
    ring.add("e", weight=5)
    assert ring.page(limit=10).items == ["e", "d"]


def test_an_old_cursor_stays_harmless_after_clearing() -> None:
    ring: Ring[int] = Ring(most=10)
    for number in range(3):
        ring.add(number)
    cursor = ring.page(limit=1).next_cursor
    ring.clear()
    ring.add(9)
    assert ring.page(limit=10, cursor=cursor).items == []


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 7), st.integers(0, 3))
def test_pages_together_hold_every_match_once(numbers: list[int], limit: int, wanted: int) -> None:
    ring: Ring[tuple[int, int]] = Ring(most=100)
    for place, number in enumerate(numbers):
        ring.add((place, number))
    seen: list[tuple[int, int]] = []
    cursor: str | None = None
    while True:
        page = ring.page(limit=limit, cursor=cursor, where=lambda item: item[1] >= wanted)
        assert len(page.items) <= limit
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [item for item in reversed(list(enumerate(numbers))) if item[1] >= wanted]
