from datetime import UTC, datetime

import pytest

from kit.ids import new_id
from publisher.partner_queues.model import PartnerQueue, QueueState

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def queue(state: str, version: int = 7) -> PartnerQueue:
    return PartnerQueue(new_id(), QueueState(state), version, NOW)


@pytest.mark.parametrize(("before", "after"), [("closed", "opening"), ("closing", "opening")])
def test_a_queue_that_is_gone_or_going_is_asked_for_anew(before: str, after: str) -> None:
    wanted = queue(before).wanted()
    assert (wanted.state, wanted.version) == (after, 8)


@pytest.mark.parametrize("state", ["opening", "open"])
def test_asking_for_a_queue_that_is_there_or_coming_changes_nothing(state: str) -> None:
    there = queue(state)
    assert there.wanted() is there


@pytest.mark.parametrize(("before", "after"), [("open", "closing"), ("opening", "closing")])
def test_a_queue_that_is_there_or_coming_can_be_given_up(before: str, after: str) -> None:
    unwanted = queue(before).unwanted()
    assert (unwanted.state, unwanted.version) == (after, 8)


@pytest.mark.parametrize("state", ["closing", "closed"])
def test_giving_up_a_queue_that_is_gone_or_going_changes_nothing(state: str) -> None:
    gone = queue(state)
    assert gone.unwanted() is gone
