import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrules.little import RESERVED, escape, plain, rendered, shown, unescape

TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from(sorted(RESERVED)))


@given(TEXT)
def test_what_was_escaped_comes_back_unchanged(text: str) -> None:
    assert unescape(escape(text)) == text
    assert plain(escape(text)) == text


@given(TEXT)
def test_no_reserved_character_is_left_unescaped(text: str) -> None:
    escaped = escape(text)
    at = 0
    while at < len(escaped):
        if escaped[at] == "\\":
            assert escaped[at + 1] in RESERVED
            at += 2
            continue
        assert escaped[at] not in RESERVED
        at += 1


@given(TEXT)
def test_a_reader_sees_the_draft_whatever_its_elements(text: str) -> None:
    assert plain(rendered(text)) == shown(text)


@pytest.mark.parametrize(
    ("draft", "commentary"),
    [
        ("Hello (world)", r"Hello \(world\)"),
        ("see #launch", r"see {hashtag|\#|launch}"),
        ("see #early_days", r"see {hashtag|\#|early\_days}"),
        ("C# and #1", r"C\# and \#1"),
        ("a#b", r"a\#b"),
        ("https://x.test/#part", r"https://x.test/\#part"),
        ("by @[Acme (EU)](urn:li:organization:1234)!", r"by @[Acme \(EU\)](urn:li:organization:1234)!"),
        ("mail me@x.test", r"mail me\@x.test"),
        ("@[Not](javascript:alert)", r"\@\[Not\]\(javascript:alert\)"),
        ("#größe", r"{hashtag|\#|größe}"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_hashtags_and_mentions_are_elements_and_nothing_else_is(draft: str, commentary: str) -> None:
    assert rendered(draft) == commentary


@pytest.mark.parametrize("commentary", [r"{hashtag|\#|launch} now", "{hashtag|#|launch} now", "#launch now"])
def test_every_form_in_which_linkedin_may_answer_reads_alike(commentary: str) -> None:
    assert plain(commentary) == "#launch now"
