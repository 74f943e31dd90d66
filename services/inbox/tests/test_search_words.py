"""What counts in a word, what is found by it, and that everything is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.search.tokens import Tokens
from inbox.search.words import LONGEST_WORD, MOST_TERMS, MOST_WORDS, excerpt, folded, pieces, query, words

OURS, THEIRS = Tokens(b"a" * 32), Tokens(b"b" * 32)


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("Straße", "STRASSE"),
        ("Café au lait", "cafe"),
        ("cafe\u0301", "café"),
        ("Łódź", "lodz"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Ёлка", "елка"),
        ("ﬁnance", "finance"),
        ("\uff21\uff22\uff23\uff11\uff12", "abc12"),
        ("naïve—approach", "approach naive"),
        ("order #4711-B", "4711"),
        ("I was in 東京都庁 yesterday", "東京"),
        ("ご注文はこちら", "注文"),
        ("สวัสดีครับ", "สวัสดี"),
        ("한국어 문장", "한국어"),
        ("नमस्ते दुनिया", "नमस्ते"),
        ("Invoices are due", "invoi"),
        ("Invoices are due", "invoices"),
        ("Invoices are due", "are invo"),
        ("an e-mail", "mail"),
        ("iPhone手机第2章", "手机"),
        ("iPhone手机第2章", "iphone 手机"),
    ],
)
def test_a_text_is_found_by_what_is_the_same_to_a_reader(written: str, searched: str) -> None:
    wanted = query(searched)
    assert wanted.found_in(pieces(written))
    assert set(OURS.of_query(wanted)) <= set(OURS.of_text(written))
    assert excerpt(written, wanted).matches


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("invoice", "voice"),
        ("invoice", "invo "),
        ("the invoice is paid", "invoice unpaid"),
        ("cat", "ca"),
        ("contract", "contact"),
    ],
)
def test_a_text_is_not_found_by_something_else(written: str, searched: str) -> None:
    assert not query(searched).found_in(pieces(written))


@pytest.mark.parametrize("nothing", ["", " ", "!?", "a", "- - -", "🎉"])
def test_there_must_be_a_word(nothing: str) -> None:
    assert not query(nothing)


@given(st.text(max_size=300), st.data())
def test_a_text_is_found_by_any_of_its_words_and_by_the_index_before(text: str, data: st.DataObject) -> None:
    found = [each for each in pieces(text) if len(each.folded) > 1 and len(each.folded) <= LONGEST_WORD]
    if not found or len(words(text)) == MOST_WORDS:
        return
    word = data.draw(st.sampled_from(found)).folded
    wanted = query(word)
    if wanted:
        assert wanted.found_in(pieces(text)) or folded(word) != word or len(pieces(word)) != 1
        if wanted.found_in(pieces(text)):
            assert set(OURS.of_query(wanted)) <= set(OURS.of_text(text))


@given(st.text(max_size=500))
def test_everything_is_bounded(text: str) -> None:
    long = text * 200
    assert len(words(long)) <= MOST_WORDS
    assert len(OURS.of_text(long)) <= 4 * MOST_WORDS
    wanted = query(text)
    assert len(wanted.whole) + len(wanted.runs) + bool(wanted.begun) <= MOST_TERMS
    shown = excerpt(text, wanted)
    assert len(shown.text) <= 160
    assert all(0 <= start < end <= len(shown.text) for start, end in shown.matches)
    assert len(OURS.of_contact(text, [text])) <= 600


def test_another_organizations_hashes_are_other_ones() -> None:
    text = "the same words in both"
    assert not set(OURS.of_text(text)) & set(THEIRS.of_text(text))
    assert OURS.of_text(text) == Tokens(b"a" * 32).of_text(text)


@pytest.mark.parametrize(
    "asked", ["shee", "nel she", "NELSON", "sheena@", "example", "650 555", "+1 (650) 555", "1234"]
)
def test_a_contact_is_found_by_beginnings_and_by_parts_of_a_number(asked: str) -> None:
    there = set(OURS.of_contact("Sheena Nelson", ["16505551234", "sheena@example.com"]))
    tokens = OURS.of_contact_query(asked)
    assert tokens
    assert (set(tokens) <= there) == (asked != "650 555"), "the middle of a number is not looked for"
