import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.seal import BadSealingKey, SealBroken, Sealer

KEY = bytes(range(32))


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens_in_its_place(value: bytes, place: bytes) -> None:
    assert Sealer(KEY).open(Sealer(KEY).seal(value, place), place) == value


@given(st.binary(max_size=80), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_breaks_the_seal(value: bytes, at: int, by: int) -> None:
    sealed = bytearray(Sealer(KEY).seal(value, b"here"))
    sealed[at % len(sealed)] ^= by
    with pytest.raises(SealBroken):
        Sealer(KEY).open(bytes(sealed), b"here")


def test_it_opens_neither_elsewhere_nor_with_another_key_nor_when_cut_short() -> None:
    sealed = Sealer(KEY).seal(b"secret", b"here")
    for sealer, text, place in (
        (Sealer(KEY), sealed, b"there"),
        (Sealer(bytes(32)), sealed, b"here"),
        (Sealer(KEY), sealed[:20], b"here"),
        (Sealer(KEY), b"", b"here"),
    ):
        with pytest.raises(SealBroken):
            sealer.open(text, place)


def test_keys_for_different_purposes_differ() -> None:
    assert Sealer(KEY).derive("a") != Sealer(KEY).derive("b")
    assert Sealer(KEY).derive("a") == Sealer(KEY).derive("a")


@pytest.mark.parametrize("text", ["", "short", "not base64!", base64.urlsafe_b64encode(bytes(31)).decode()])
def test_a_bad_key_is_refused(text: str) -> None:
    with pytest.raises(BadSealingKey):
        Sealer.from_text(text)
