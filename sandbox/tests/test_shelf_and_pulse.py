from array import array

from hypothesis import given
from hypothesis import strategies as st

from sandbox.multipart import read_form
from sandbox.pulse import Pulse, most_within
from sandbox.shelf import Shelf
from sandbox.whatsapp.limits import PairRate, Throughput


def test_a_full_shelf_loses_what_was_put_there_first() -> None:
    shelf: Shelf[int, str] = Shelf(most=2)
    for n in range(3):
        shelf.put(n, str(n))
    assert (shelf.all(), shelf.get(0), len(shelf)) == (["1", "2"], None, 2)
    assert (shelf.take(1), shelf.take(1)) == ("1", None)
    shelf.clear()
    assert shelf.all() == []


@given(st.lists(st.floats(0, 100), max_size=50).map(sorted))
def test_the_most_within_a_second_is_what_counting_finds(times: list[float]) -> None:
    counted = max((sum(1 for other in times if at - 1.0 < other <= at) for at in times), default=0)
    assert most_within(array("d", times), 1.0) == counted


def test_a_pulse_shows_the_newest_times_and_forgets_the_oldest() -> None:
    pulse = Pulse(most=10)
    for n in range(30):
        pulse.beat(float(n))
    shown = pulse.read(since=20, limit=2)
    assert shown.times == [28.0, 29.0]
    assert (shown.first, shown.last, shown.most_in_one_minute) == (20.0, 29.0, 10)
    assert pulse.read().count <= 10
    assert pulse.within(5.0, 29.0) == 5
    pulse.clear()
    assert (pulse.read().count, pulse.read().first, pulse.read().most_in_one_second) == (0, None, 0)


@given(st.lists(st.floats(0, 20), max_size=100).map(sorted), st.integers(1, 5))
def test_never_more_than_so_many_in_any_second(times: list[float], most: int) -> None:
    throughput = Throughput()
    taken = array("d", [at for at in times if throughput.take(at, most)])
    assert most_within(taken, 1.0) <= most


def test_a_burst_to_one_person_is_borrowed_from_the_time_to_come() -> None:
    rate = PairRate()
    taken = [at for at in range(120) if rate.take("anna", float(at), seconds=6.0, burst=4)]
    assert taken[:4] == [0, 1, 2, 3]
    assert len(taken) == 4 + (119 - 0) // 6
    assert rate.take("bert", 0.0, seconds=6.0, burst=1)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_file_in_a_form_comes_out_as_it_went_in(first: bytes, second: bytes) -> None:
    boundary = "never-in-three-hundred-random-bytes"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n'
        f"Content-Type: image/png\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in (("a", first), ("b", second))
    ]
    form = read_form(f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode())
    assert (form["a"].content, form["b"].content) == (first, second)
    assert form["a"].content_type == "image/png"
