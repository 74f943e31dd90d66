"""What Meta's errors mean, and whom its signed requests name: rules without a platform."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.http.client import Refused as Rejected
from kit.http.transport import Answer
from kit.intake.model import Unreadable
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered
from publisher.connections.model import Brought, challenge_of, verifier_of
from publisher.engagements.meta import MetaSource
from publisher.platforms.meta.errors import FACEBOOK, INSTAGRAM, THREADS
from publisher.platforms.meta.graph import Outcomes
from publisher.posts.content import Content, MediaUse, Part
from publisher.withdrawals.model import signed_request

SECRET = "of the application"


def rejected(status: int, error: object) -> Rejected:
    body = error if isinstance(error, bytes) else json.dumps({"error": error}).encode()
    return Rejected(Answer(status, {}, body), None)


@pytest.mark.parametrize(
    ("catalogue", "error", "outcome", "code"),
    [
        (FACEBOOK, {"code": 190, "error_subcode": 460}, Parked, "token-refused"),
        (INSTAGRAM, {"code": 190}, Parked, "token-refused"),
        (FACEBOOK, {"code": 4}, NotAccepted, "rate-limited"),
        (FACEBOOK, {"code": 17}, NotAccepted, "rate-limited"),
        (FACEBOOK, {"code": 341}, NotAccepted, "application-limit"),
        (FACEBOOK, {"code": 368}, Refused, "blocked-for-policy"),
        (FACEBOOK, {"code": 506}, Refused, "duplicate"),
        (FACEBOOK, {"code": 1}, Unanswered, "their-error"),
        (FACEBOOK, {"code": 2635}, NotAccepted, "api-version-sunset"),
        (FACEBOOK, {"code": 100, "message": "(#100) no"}, Refused, "meta-100"),
        (FACEBOOK, {"code": 987654}, Refused, "meta-987654"),
        (FACEBOOK, {"code": 5, "is_transient": True}, Unanswered, "their-error"),
        (INSTAGRAM, {"code": 9, "error_subcode": 2207042}, NotAccepted, "quota-used-up"),
        (INSTAGRAM, {"code": 36003, "error_subcode": 2207009}, Refused, "aspect-ratio"),
        (INSTAGRAM, {"code": 25, "error_subcode": 2207050}, Refused, "account-restricted"),
        (THREADS, {"code": 24, "error_subcode": 2207006}, NotAccepted, "container-not-ready"),
    ],
)
def test_errors_mean_what_the_catalogue_says(
    catalogue: dict[str, object], error: dict[str, object], outcome: type[Exception], code: str
) -> None:
    with pytest.raises(outcome) as raised, Outcomes("Meta", catalogue).of(again=False):  # type: ignore[arg-type]
        raise rejected(400, error)
    assert getattr(raised.value, "code", "") == code


def test_a_duplicate_may_be_our_own_earlier_attempt() -> None:
    with pytest.raises(Unanswered), Outcomes("Meta", FACEBOOK).of(again=True):
        raise rejected(400, {"code": 506})


def test_what_nobody_can_have_seen_is_simply_made_again() -> None:
    with pytest.raises(NotAccepted), Outcomes("Meta", FACEBOOK).harmless():
        raise rejected(500, b"<html>")


@given(st.integers(400, 599), st.one_of(st.binary(max_size=200), st.dictionaries(st.text(max_size=9), st.integers())))
def test_whatever_meta_answers_is_one_of_the_ledgers_outcomes(status: int, error: object) -> None:
    with pytest.raises((Refused, NotAccepted, Parked, Unanswered)), Outcomes("Meta", INSTAGRAM).of(again=False):
        raise rejected(status, error)


def form(said: object, secret: str = SECRET) -> bytes:
    payload = urlsafe_b64encode(orjson.dumps(said)).rstrip(b"=")
    signature = urlsafe_b64encode(hmac.digest(secret.encode(), payload, hashlib.sha256)).rstrip(b"=")
    return b"signed_request=" + signature + b"." + payload


def test_a_signed_request_names_who_asked() -> None:
    said = {"user_id": "218471", "algorithm": "HMAC-SHA256", "issued_at": 1291836800}
    read = signed_request(form(said), SECRET)
    assert read is not None
    assert (read.person, read.issued_at.timestamp()) == ("218471", 1291836800)


@pytest.mark.parametrize(
    "said",
    [
        {"user_id": "1", "algorithm": "none", "issued_at": 1},
        {"algorithm": "HMAC-SHA256", "issued_at": 1},
        {"user_id": "1", "algorithm": "HMAC-SHA256"},
        {"user_id": "1", "algorithm": "HMAC-SHA256", "issued_at": 10**15},
        ["user_id"],
        None,
    ],
)
def test_what_is_signed_and_says_nothing_is_none(said: object) -> None:
    assert signed_request(form(said), SECRET) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_and_none_are_believed_without_the_secret(body: bytes) -> None:
    assert signed_request(body, SECRET) is None
    assert signed_request(b"signed_request=" + body, SECRET) is None
    assert signed_request(form({"user_id": "1", "algorithm": "HMAC-SHA256", "issued_at": 1}), "") is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["object", "entry", "changes", "value", "values", "field", "id", "root_post"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_no_webhook_makes_splitting_fail_but_as_unreadable(payload: object) -> None:
    source = MetaSource((SECRET,), "", {})
    try:
        items = source.split(orjson.dumps(payload))
    except Unreadable:
        return
    assert items


@given(st.binary(min_size=8, max_size=40).map(bytes.hex), st.text(max_size=50))
def test_a_code_comes_back_with_the_verifier_of_its_challenge(secret: str, code: str) -> None:
    verifier = verifier_of(secret)
    assert 43 <= len(verifier) <= 128
    right = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert challenge_of(secret) == right
    clean = code.encode("utf-8", "replace").decode()
    assert Brought.unpacked(Brought(code, verifier).packed()) == Brought(clean, verifier)


@given(st.text(max_size=20), st.lists(st.tuples(st.text(max_size=20), st.uuids()), max_size=3), st.text(max_size=20))
def test_what_is_stored_of_a_post_is_read_as_it_was(
    title: str, parts: list[tuple[str, object]], comment: str
) -> None:
    uses = tuple(MediaUse(media, "alt") for _, media in parts)  # type: ignore[arg-type]
    content = Content(
        title=title,
        media=uses,
        first_comment=comment,
        parts=tuple(Part(text, uses) for text, _ in parts),
        options={"share": True},
    )
    assert Content.read(content.stored()) == content
