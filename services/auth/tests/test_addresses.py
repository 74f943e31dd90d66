import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from auth.accounts.address import PLAIN, AddressInvalid, EmailAddress


@pytest.mark.parametrize(
    ("typed", "value", "display"),
    [
        ("Ada@Example.COM", "ada@example.com", "Ada@example.com"),
        ("  ada@example.com\n", "ada@example.com", "ada@example.com"),
        ("Straße@example.com", "strasse@example.com", "Straße@example.com"),
        ("ada@bücher.de", "ada@xn--bcher-kva.de", "ada@bücher.de"),
        ("ada@XN--BCHER-KVA.de", "ada@xn--bcher-kva.de", "ada@bücher.de"),
        ("\uff21da@example.com", "ada@example.com", "Ada@example.com"),
        ("demo@rostrum.local", "demo@rostrum.local", "demo@rostrum.local"),
        ("a+tag@example.test", "a+tag@example.test", "a+tag@example.test"),
    ],
)
def test_an_address_is_compared_in_one_spelling_and_shown_as_typed(typed: str, value: str, display: str) -> None:
    email = EmailAddress.parse(typed)
    assert (email.value, email.display) == (value, display)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "a@b@c",
        "ada@",
        "@b.c",
        "a\r\nBcc: x@y.z@b.c",
        "a b@c.de",
        "x" * 65 + "@c.de",
        "a@" + "b" * 300,
        '"a"@b.c',
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressInvalid):
        EmailAddress.parse(text)


@given(st.text(max_size=300) | st.emails())
def test_an_address_that_is_read_reads_the_same_again(text: str) -> None:
    try:
        email = EmailAddress.parse(text)
    except AddressInvalid:
        return
    assert EmailAddress.parse(email.display).value == email.value
    assert "\n" not in email.value + email.display
    assert email.value.count("@") == 1
    assert email.wire.rpartition("@")[2].isascii()


@given(text=st.from_regex(PLAIN, fullmatch=True))
def test_what_is_read_without_the_library_is_what_the_library_reads(text: str) -> None:
    found = validate_email(text, check_deliverability=False, globally_deliverable=False, strict=True)
    email = EmailAddress.parse(text)
    assert email.display == found.normalized
    assert email.value == f"{found.local_part.casefold()}@{found.domain.lower()}"


@pytest.mark.parametrize(
    "text",
    [
        "ada@xn--nxasmq6b.test",
        "ada@a--b.test",
        ".ada@example.com",
        "ada..byron@example.com",
        "ada@example.com\n",
        "ada@example",
        "ada@-a.com",
        "ада@example.com",
        "ada@example.com ",
        "\u017f@example.com",
    ],
)
def test_what_is_not_plain_is_left_to_the_library(text: str) -> None:
    assert PLAIN.fullmatch(text) is None
