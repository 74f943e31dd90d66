from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrules.drafts import check
from postrules.limits import LIMITS, Platform
from postrules.measure import counted, utf16_units
from postrules.versions import SPOKEN

LINKEDIN = Platform.LINKEDIN


@given(st.text(st.characters(codec="utf-8")))
def test_length_is_counted_in_utf_16_code_units(text: str) -> None:
    assert utf16_units(text) == len(text.encode("utf-16-le")) // 2


def test_the_longest_text_passes_and_one_more_does_not() -> None:
    assert check(LINKEDIN, "a" * 3000) == []
    assert check(LINKEDIN, "😀" * 1500) == []
    (fault,) = check(LINKEDIN, "😀" * 1500 + "!")
    assert fault.pointer == "/text"
    assert fault.detail == "LinkedIn takes 3,000 characters; these are 3,001."


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u2003"])
def test_an_empty_text_is_refused(text: str) -> None:
    assert [fault.pointer for fault in check(LINKEDIN, text)] == ["/text"]


def test_escapes_and_the_urn_of_a_mention_do_not_count() -> None:
    assert counted(LINKEDIN, "(#a)") == 4
    assert counted(LINKEDIN, "@[Acme](urn:li:organization:1)") == 4


def test_every_limit_says_where_and_when_it_was_read() -> None:
    for limits in LIMITS.values():
        for limit in (limits.text, limits.pace):
            assert limit.source
            assert limit.read_on <= date(2030, 1, 1)


def test_every_platform_has_a_version_with_a_sunset() -> None:
    assert set(SPOKEN) == set(Platform)
    assert SPOKEN[LINKEDIN].days_left(date(2027, 4, 30)) == 1
