"""Cells of a file are read the quick way exactly as they would be read the slow way."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.imports.cells import phone_of


def slowly(told: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(told, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    "region", ["DE", "GB", "FR", "NL", "AT", "AU", "ZA", "IN", "SE", "CH", "TR", "BR", "IT", "US"]
)
@given(digits=st.from_regex(r"\A[1-9][0-9]{5,11}\Z"))
def test_a_number_as_it_is_written_at_home_is_what_the_library_makes_of_it(region: str, digits: str) -> None:
    assert phone_of(f"0{digits}", region) == slowly(f"0{digits}", region)


@pytest.mark.parametrize("region", ["DE", "GB", "FR", "NL", "AT", "AU", "ZA", "IN", "SE", "CH", "TR"])
@pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
def test_usual_numbers_are_known_in_each_way_of_writing(region: str, kind: int) -> None:
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    wanted = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for form in (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
        assert phone_of(phonenumbers.format_number(example, form), region) == wanted
