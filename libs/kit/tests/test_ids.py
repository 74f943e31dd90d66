import time
from uuid import RFC_4122, UUID

from kit.ids import new_request_id


def test_a_request_id_is_a_uuid7_of_this_moment_and_no_two_are_alike() -> None:
    before = time.time_ns() // 1_000_000
    texts = [new_request_id() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert len(set(texts)) == 1000
    for text in texts:
        told = UUID(text)
        assert (str(told), told.version, told.variant) == (text, 7, RFC_4122)
        assert before <= told.int >> 80 <= after
