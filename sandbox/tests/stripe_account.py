"""The official SDK, as the platform uses it, against the sandbox's Stripe."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import stripe
from stripe._object_classes import get_object_class

KEY = "sk_test_sandbox"
VERSION = "2026-08-26.dahlia"

# Field names and JSON types of one sample object per resource, from stripe/openapi (MIT License, copyright Stripe),
# openapi/fixtures3.json at commit f6c2a48fbac2819d1feba8143d942ffc65e1c0d2 of 2026-08-21.
SHAPES: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "stripe_shapes.json").read_text())


@asynccontextmanager
async def sdk(sandbox: httpx.AsyncClient, key: str = KEY) -> AsyncIterator[stripe.StripeClient]:
    """A client of the SDK that repeats nothing by itself."""
    http = stripe.HTTPXClient(timeout=60, verify_ssl_certs=False)
    addresses: Any = {"api": f"{str(sandbox.base_url).rstrip('/')}/stripe"}
    try:
        yield stripe.StripeClient(
            key, stripe_version=VERSION, base_addresses=addresses, max_network_retries=0, http_client=http
        )
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]


def refuse_other_shape(found: Any) -> None:
    """An object has every field that Stripe's own sample has, of its type or null, and none that neither knows."""
    document = found if isinstance(found, dict) else found.to_dict()
    shape = SHAPES[document["object"]]
    known = {
        name
        for one in get_object_class("V1", document["object"]).__mro__
        for name in vars(one).get("__annotations__", {})
    }
    assert (sorted(set(shape) - set(document)), sorted(set(document) - known - set(shape))) == ([], [])
    for name, kind in shape.items():
        value = document[name]
        if value is not None and kind != "null":
            assert _kind(value) == kind, f"{document['object']}.{name} is {value!r}"


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    kinds[Decimal] = "string"  # the SDK reads the decimals out of their text
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "null")


def signed(body: bytes, moment: int, secret: str) -> str:
    """What `v1` must be."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
