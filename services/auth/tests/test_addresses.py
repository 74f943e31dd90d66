import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.accounts.address import AddressInvalid, EmailAddress


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
