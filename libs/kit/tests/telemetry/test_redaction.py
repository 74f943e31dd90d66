import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.telemetry.redaction import MASK, is_sensitive, redact, redact_text

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
SENSITIVE = [
    "password",
    "newPassword",
    "refresh_token",
    "accessToken",
    "client-secret",
    "Authorization",
    "Set-Cookie",
]
SENSITIVE += ["api_key", "apiKey", "X-Api-Key", "email", "user_email", "phone", "phoneNumber", "private_key", "OTP"]
HARMLESS = [
    "organization_id",
    "user_id",
    "key",
    "event",
    "status",
    "tokenizer",
    "secretary",
    "count",
    "monkey",
    "route",
]


@pytest.mark.parametrize("key", SENSITIVE)
def test_a_sensitive_key_masks_whatever_it_holds(key: str) -> None:
    assert is_sensitive(key)
    assert redact({"a": [{key: {"x": "hunter2"}}]}) == {"a": [{key: MASK}]}


@pytest.mark.parametrize("key", HARMLESS)
def test_a_harmless_key_shows_its_value(key: str) -> None:
    assert redact({key: "value"}) == {key: "value"}


def test_counts_and_flags_under_telling_names_are_shown() -> None:
    assert redact({"tokens": 512, "has_password": True, "email": None}) == {
        "tokens": 512,
        "has_password": True,
        "email": None,
    }
    assert redact({"tokens": ["abc"], "otp": 123456}) == {"tokens": MASK, "otp": MASK}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"got {JWT} from", JWT),
        (f"token={JWT}", "eyJ"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgresql://app:hunter2@db:5432/x", "hunter2"),
        ("postgresql://app:hun@ter2@db:5432/x", "ter2"),
        ("amqp://guest:p/w?hunter2@mq/", "hunter2"),
        ("redis://:hunter2@cache/0", "hunter2"),
        ("mail to Bob.Smith+x@example.co.uk failed", "Smith"),
        ("<bob@b\u00fccher.example>", "bob"),
        ("password=hunter2&x=1", "hunter2"),
        ('{"password": "hunter2"}', "hunter2"),
        ("api_key: hunter2", "hunter2"),
        ("1 validation error: input_value='hunter2', input_type=str]", "hunter2"),
        ("DETAIL:  Key (name)=(hunter2) already exists.", "hunter2"),
        ("DETAIL:  Failing row contains (1, hunter2 (x), null).", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(text: str, secret: str) -> None:
    assert secret not in redact_text(text)
    assert MASK in redact_text(text)


@pytest.mark.parametrize(
    "text", ["posts.published", "GET /v1/posts/{id}", "http://127.0.0.1:8001/x", "a @ b", "1 < 2"]
)
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_the_host_of_a_masked_address_is_still_told() -> None:
    assert redact_text("postgresql://app:hunter2@db.internal.example:5432/x").endswith("@db.internal.example:5432/x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_value_can_be_redacted_and_written(value: Any) -> None:
    json.dumps(redact(value))


@given(
    st.text(max_size=30),
    st.from_regex(r"[a-z0-9]{1,8}@[a-z0-9]{1,8}\.(com|de)", fullmatch=True),
    st.text(max_size=30),
)
def test_an_address_within_any_text_is_masked(before: str, address: str, after: str) -> None:
    assert address not in redact_text(f"{before} {address} {after}")


def test_a_value_nested_without_end_is_cut_off() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "..." in json.dumps(redact(loop))
