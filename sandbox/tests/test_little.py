import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.linkedin.little import RESERVED, render


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("", ""),
        ("Hello World", "Hello World"),
        ("\\(a\\) \\_b\\_ \\\\ \\#c", "(a) _b_ \\ #c"),
        ("#tag and more", "#tag and more"),
        ("{hashtag|\\#|my\\_tag}!", "#my_tag!"),
        ("{hashtag|#|tag}", "#tag"),
        ("Hi @[Acme \\(x\\)](urn:li:organization:1), bye", "Hi Acme (x), bye"),
        ("Hi @[Eddy](urn:li:person:a_b-1)", "Hi Eddy"),
        ("line\nline", "line\nline"),
    ],
)
def test_what_a_reader_sees(written: str, seen: str) -> None:
    assert render(written) == (seen, None)


@pytest.mark.parametrize(
    ("written", "at"),
    [("a (b", 2), ("a_b", 1), ("# alone", 0), ("@ann", 0), ("@[Eddy](somewhere)", 0), ("{a|b|c}", 0), ("end\\", 3)],
)
def test_the_first_character_that_should_be_escaped(written: str, at: int) -> None:
    assert render(written) == (written[:at], at)


@given(st.text())
def test_text_whose_reserved_characters_are_escaped_is_seen_as_it_was(text: str) -> None:
    escaped = "".join(f"\\{one}" if one in RESERVED else one for one in text)
    assert render(escaped) == (text, None)


@given(st.text(alphabet="\\@[](){}|#<>*_~ab:urnliperso", max_size=300))
def test_any_text_is_read_to_an_end(text: str) -> None:
    seen, at = render(text)
    assert at is None or 0 <= at < len(text)
    assert len(seen) <= len(text)
