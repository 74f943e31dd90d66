import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.tokens.mints import Mints
from auth.tokens.model import Token, TokenForged
from kit.ids import new_id
from kit.seal import Sealer

MINTS = Mints.under(Sealer(b"1" * 32))
OTHERS = Mints.under(Sealer(b"2" * 32))


def test_a_token_says_what_it_was_made_of_and_is_always_the_same() -> None:
    one, two = new_id(), new_id()
    assert MINTS.refresh.read(MINTS.refresh.make(one, counter=7)) == Token((one,), 7)
    assert MINTS.invitation.read(MINTS.invitation.make(one, two)) == Token((one, two), 0)
    assert MINTS.refresh.make(one, counter=7) == MINTS.refresh.make(one, counter=7)


def test_a_token_of_one_purpose_is_junk_for_every_other() -> None:
    made = MINTS.challenge.make(new_id())
    for other in (MINTS.refresh, MINTS.invitation, OTHERS.challenge):
        with pytest.raises(TokenForged):
            other.read(made)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + "=",
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: " " + text,
        lambda text: text.replace("-", "+").replace("_", "/") if set(text) & set("-_") else "x",
        lambda _: "",
        lambda text: text * 100,
        lambda text: "é" + text[1:],
    ],
)
def test_only_the_one_spelling_of_a_token_is_read(spoil: Callable[[str], str]) -> None:
    with pytest.raises(TokenForged):
        MINTS.refresh.read(spoil(MINTS.refresh.make(new_id())))


@given(at=st.integers(0, 36), bit=st.integers(0, 7))
def test_a_token_with_any_bit_changed_is_junk(at: int, bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(MINTS.refresh.make(new_id(), counter=3) + "=="))
    raw[at] ^= 1 << bit
    with pytest.raises(TokenForged):
        MINTS.refresh.read(base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode())


@given(st.text(max_size=100) | st.from_regex(r"[A-Za-z0-9_-]{50}", fullmatch=True))
def test_no_text_that_was_not_made_here_is_read(text: str) -> None:
    with pytest.raises(TokenForged):
        MINTS.refresh.read(text)
