from hypothesis import given
from hypothesis import strategies as st

from kit.messaging import history
from kit.messaging.topology import Topology

BODIES = st.lists(st.integers(min_value=2, max_value=200_000).map(lambda size: b"{%s}" % (b"x" * size)), max_size=12)


@given(BODIES)
def test_entries_hold_all_events_in_order_and_are_small_unless_one_event_is_large(bodies: list[bytes]) -> None:
    entries = history.entries(Topology("shown"), bodies)
    assert [body for entry in entries for body in history.events_of(entry.type, entry.body)] == bodies
    for entry in entries:
        assert len(entry.body) <= 256 * 1024 + 12 or entry.body.count(b"\n") == 0
        assert (entry.exchange, entry.routing_key, entry.mandatory) == ("", "shown/history", True)


def test_a_message_of_another_kind_holds_no_events() -> None:
    assert history.events_of("it.happened.v1", b"{}") == []
    assert history.events_of(None, b"{}") == []
