"""Amazon S3: what signs requests there by its own means is understood, and nothing else is."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from sandbox.s3.errors import Refusal
from sandbox.s3.signing import Asked, check

from .conftest import Program

NOW = datetime(2013, 5, 24, tzinfo=UTC)
KEYS = {"AKIAIOSFODNN7EXAMPLE": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SIGNED = {  # the first example of "Authenticating Requests: Using the Authorization Header" of Amazon's reference
    "host": "examplebucket.s3.amazonaws.com",
    "range": "bytes=0-9",
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": "20130524T000000Z",
    "authorization": (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    ),
}


def bucket(program: Program, name: str = "media", **more: Any) -> S3Store:
    known = {"access_key_id": "AKIASANDBOX", "secret_access_key": "sandbox-s3-secret", **more}
    return S3Store(
        name,
        endpoint=f"{program.http_url}/s3",
        region="eu-central-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=5)},
        **known,
    )


def test_amazons_own_example_is_believed() -> None:
    check(Asked("GET", "/test.txt", "", SIGNED), KEYS, NOW)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"path": "/other.txt"}, "SignatureDoesNotMatch"),
        ({"method": "PUT"}, "SignatureDoesNotMatch"),
        ({"query": "versionId=1"}, "SignatureDoesNotMatch"),
        ({"headers": {**SIGNED, "range": "bytes=0-99"}}, "SignatureDoesNotMatch"),
        ({"keys": {"AKIAIOSFODNN7EXAMPLE": "another"}}, "SignatureDoesNotMatch"),
        ({"keys": {}}, "InvalidAccessKeyId"),
        ({"body": b"something"}, "XAmzContentSHA256Mismatch"),
        ({"now": NOW + timedelta(minutes=16)}, "RequestTimeTooSkewed"),
        ({"headers": {**SIGNED, "authorization": ""}}, "AccessDenied"),
        ({"headers": {**SIGNED, "authorization": SIGNED["authorization"].replace("host;", "")}}, "AccessDenied"),
    ],
)
def test_whatever_was_changed_is_refused(changed: dict[str, Any], code: str) -> None:
    asked = Asked("GET", "/test.txt", "", SIGNED)
    known: dict[str, Any] = {"keys": KEYS, "now": NOW}
    known |= {name: changed[name] for name in known if name in changed}
    other = {name: value for name, value in changed.items() if name not in known}
    with pytest.raises(Refusal) as refused:
        check(replace(asked, **other), **known)
    assert refused.value.code == code


def test_objects_are_kept_read_in_part_listed_and_deleted(program: Program) -> None:
    store, content = bucket(program), os.urandom(11_000_000)
    obstore.put(store, "a b/ü+c", content)
    obstore.put(store, "a b/small", b"0123456789")
    assert bytes(obstore.get(store, "a b/ü+c").bytes()) == content
    assert bytes(obstore.get_range(store, "a b/small", start=3, length=4)) == b"3456"
    assert obstore.head(store, "a b/small")["size"] == 10
    with pytest.raises(BaseError):
        obstore.get_range(store, "a b/small", start=10, length=1)
    listed = [each["path"] for page in obstore.list(store, prefix="a b") for each in page]
    assert listed == ["a b/small", "a b/ü+c"]
    obstore.delete(store, listed)
    with pytest.raises(FileNotFoundError):
        obstore.get(store, "a b/small")


def test_more_than_a_page_is_listed_page_by_page(program: Program) -> None:
    store = bucket(program)
    for number in range(1_003):
        obstore.put(store, f"many/{number:04}", b"")
    pages = list(obstore.list(store, prefix="many", chunk_size=2_000))
    assert sum(len(page) for page in pages) == 1_003
    obstore.delete(store, [each["path"] for page in pages for each in page])
    assert [each for page in obstore.list(store, prefix="many") for each in page] == []


def test_strangers_and_buckets_that_are_not_there(program: Program) -> None:
    for store in (bucket(program, "elsewhere"), bucket(program, secret_access_key="another")):
        with pytest.raises((BaseError, FileNotFoundError)):
            obstore.put(store, "a", b"a")
    assert httpx.get(f"{program.http_url}/s3/media/a").status_code == 403


def test_a_part_that_is_too_small_is_refused(program: Program) -> None:
    writer = obstore.open_writer(bucket(program), "small-parts", buffer_size=1024)
    with pytest.raises((BaseError, OSError)):
        for _ in range(12):
            writer.write(os.urandom(1024))
        writer.close()
