"""Vectors made for this project with made-up secrets; the first is the one Standard Webhooks publishes."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.intake import signatures

VECTORS = json.loads(Path(__file__).with_name("signature_vectors.json").read_text(encoding="utf-8"))


def accepted(vector: Mapping[str, Any]) -> bool:
    body, secret, now = vector["body"].encode(), vector["secret"], vector["now"]
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    match vector["provider"]:
        case "meta" | "github":
            return signatures.hmac_sha256_hex(secret, body, headers.get("x-hub-signature-256"), prefix="sha256=")
        case "x":
            given_header = headers.get("x-twitter-webhooks-signature")
            return signatures.hmac_sha256_base64(secret, body, given_header, prefix="sha256=")
        case "standard-webhooks":
            return signatures.standard_webhooks(
                secret,
                body,
                webhook_id=headers.get("webhook-id"),
                timestamp=headers.get("webhook-timestamp"),
                header=headers.get("webhook-signature"),
                now=now,
                tolerance=vector["tolerance"],
            )
        case provider:
            name, scheme = {
                "stripe": ("stripe-signature", "v1"),
                "elevenlabs": ("elevenlabs-signature", "v0"),
                "tiktok": ("tiktok-signature", "s"),
            }[provider]
            return signatures.timestamped_hmac_hex(
                secret, body, headers.get(name), now=now, tolerance=vector["tolerance"], scheme=scheme
            )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['provider']}: {vector['case']}")
def test_every_vector_is_judged_as_it_should_be(vector: Mapping[str, Any]) -> None:
    assert accepted(vector) is vector["valid"]


def digest(secret: bytes, signed: bytes) -> str:
    return hmac.new(secret, signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("prefix", ["", "hmacsha256="])
def test_linkedin_signs_its_prefix_and_the_body(prefix: str) -> None:
    body = b'{"a":1}'
    good = prefix + digest(b"secret", b"hmacsha256=" + body)
    assert signatures.linkedin("secret", body, good)
    assert not signatures.linkedin("secret", body + b" ", good)
    assert not signatures.linkedin("another", body, good)
    assert not signatures.linkedin("secret", body, prefix + digest(b"secret", body))


@pytest.mark.parametrize("secret", ["", b""])
def test_without_a_secret_nothing_is_genuine(secret: str | bytes) -> None:
    assert not signatures.hmac_sha256_hex(secret, b"body", digest(b"", b"body"))
    assert not signatures.linkedin(secret, b"body", digest(b"", b"hmacsha256=body"))


@given(header=st.none() | st.text() | st.from_regex(r"(sha256=|t=\d+,v1=|v1,).*"), body=st.binary())
def test_no_header_raises_or_passes(header: str | None, body: bytes) -> None:
    now = 1_700_000_000.0
    assert not signatures.hmac_sha256_hex("secret", body, header, prefix="sha256=")
    assert not signatures.hmac_sha256_base64("secret", body, header, prefix="sha256=")
    assert not signatures.linkedin("secret", body, header)
    assert not signatures.timestamped_hmac_hex("secret", body, header, now=now, tolerance=300)
    assert not signatures.standard_webhooks(
        "whsec_c2VjcmV0", body, webhook_id=header, timestamp=header, header=header, now=now
    )
    assert not signatures.standard_webhooks(
        header or "x", body, webhook_id="a", timestamp="1700000000", header=header, now=now
    )
