import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from postrules import weighted
from postrules.cutting import cut
from postrules.entities import hashtags, mentions, urls
from postrules.limits import LIMITS, Platform
from postrules.measure import MEASURES, clusters, counted, emoji_bytes, graphemes, utf8_bytes, utf16_units

TEXT = st.text(st.characters(codec="utf-8"))
WORDS = st.lists(
    st.sampled_from(
        ["https://example.com/a", "t.co", "word", "漢字かな", "👩‍🚀", "#tag", "@you", "é", "\n\n", "End.", "🇩🇪"]
    )
    | st.text("ab .\n", max_size=6)
).map(" ".join)


@given(TEXT)
def test_utf_16_units_and_bytes_are_those_of_the_encodings(text: str) -> None:
    assert utf16_units(text) == len(text.encode("utf-16-le")) // 2
    assert utf8_bytes(text) == len(text.encode())


@given(TEXT)
def test_graphemes_joined_are_the_text(text: str) -> None:
    assert "".join(clusters(text)) == text
    assert graphemes(text) == len(clusters(text)) <= len(text)


@given(TEXT | WORDS)
def test_no_unit_counts_less_than_graphemes_but_for_links(text: str) -> None:
    assert graphemes(text) <= emoji_bytes(text) <= utf8_bytes(text)
    assert graphemes(text) <= utf16_units(text) <= utf8_bytes(text)


@given(TEXT | WORDS)
def test_both_ways_of_weighing_agree_and_composing_changes_nothing(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert weighted.length(text) == weighted.weigh(text).length == weighted.length(composed)


@given(TEXT | WORDS)
def test_a_text_fits_up_to_where_it_is_said_to_fit(text: str) -> None:
    found = weighted.weigh(text * 10)
    assert found.valid == (0 < found.length <= 280 and not set(text) & set("\ufeff\ufffe\uffff"))
    assert found.fits <= found.ends or text == ""


@given(WORDS | TEXT)
def test_what_is_found_stands_where_it_is_said_to_stand(text: str) -> None:
    for one in urls(text):
        assert text[one.start : one.end] == one.text
    for one in (*hashtags(text), *mentions(text)):
        assert text[one.start + 1 : one.end] == one.text


@given(WORDS, st.integers(30, 120), st.sampled_from(["weighted", "graphemes", "bytes", "emoji_bytes"]))
def test_the_parts_of_a_thread_fit_and_hold_all_that_was_said(text: str, longest: int, unit: str) -> None:
    measure = MEASURES[unit]
    parts = cut(text, longest, measure, most=1000)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(0 < measure(part) <= longest for part in parts)
    assert sorted(link.text for part in parts for link in urls(part)) == sorted(link.text for link in urls(text))


def test_a_text_is_cut_at_paragraphs_then_sentences_then_words() -> None:
    assert cut("aaaa bbbb\n\ncccc", 12, len, most=9) == ("aaaa bbbb", "cccc")
    assert cut("aaaa. bb cccc", 10, len, most=9) == ("aaaa.", "bb cccc")
    assert cut("aaaa bbbb cccc", 10, len, most=9) == ("aaaa bbbb", "cccc")
    assert cut("a" * 25, 10, len, most=9) == ("a" * 10, "a" * 10, "a" * 5)


def test_a_text_that_needs_too_many_parts_or_has_a_link_that_fits_nowhere_is_not_cut() -> None:
    assert cut("word " * 50, 10, len, most=9) == ()
    assert cut("see https://example.com/" + "a" * 50, 20, len, most=9) == ()


def test_an_emoji_is_cut_in_no_part() -> None:
    assert cut("👩‍🚀" * 5, 8, weighted.length, most=9) == ("👩‍🚀" * 4, "👩‍🚀")


def test_escapes_and_the_urn_of_a_mention_do_not_count() -> None:
    assert counted(Platform.LINKEDIN, "(#a)") == 4
    assert counted(Platform.LINKEDIN, "@[Acme](urn:li:organization:1)") == 4


def test_each_platform_counts_in_its_own_unit() -> None:
    assert {each: counted(each, "é😀") for each in Platform} == {
        Platform.FACEBOOK: 2,
        Platform.INSTAGRAM: 2,
        Platform.THREADS: 5,
        Platform.LINKEDIN: 3,
        Platform.X: 3,
        Platform.YOUTUBE: 6,
        Platform.TIKTOK: 3,
    }
    assert {LIMITS[each].text.unit for each in Platform} < set(MEASURES)
