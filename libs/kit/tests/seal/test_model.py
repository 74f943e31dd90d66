import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from kit.ids import new_id
from kit.seal.cache import KeyCache
from kit.seal.master import LocalMasterKey, UnknownMasterKey, unwrapped_under, wrapped_under
from kit.seal.model import Key, Owner, key_id_of
from kit.seal.sealer import SealBroken

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "aes_gcm_256.json").read_text())["tests"]
ORGANIZATION = new_id()
KEY = Key(new_id(), Owner(ORGANIZATION), bytes(range(32)))
SUBJECT = f"contact:{new_id()}"


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens_in_its_place_and_names_its_key(value: bytes, place: bytes) -> None:
    sealed = KEY.seal(value, place)
    assert KEY.open(sealed, place) == value
    assert sealed[:1] == b"\x02"
    assert key_id_of(sealed) == KEY.id
    assert len(sealed) == 1 + 16 + 12 + len(value) + 16


@given(st.binary(max_size=80), st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_any_flipped_bit_breaks_the_seal(value: bytes, at: int, bit: int) -> None:
    sealed = bytearray(KEY.seal(value, b"here"))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(SealBroken):
        KEY.open(bytes(sealed), b"here")


@given(st.binary(max_size=80), st.integers(min_value=0, max_value=60))
def test_what_was_cut_short_does_not_open(value: bytes, length: int) -> None:
    sealed = KEY.seal(value, b"here")[:-1][:length]
    with pytest.raises(SealBroken):
        KEY.open(sealed, b"here")


def test_it_opens_neither_elsewhere_nor_for_another_organization_nor_with_another_key() -> None:
    sealed = KEY.seal(b"secret", b"contacts.name:1")
    for key, place in (
        (KEY, b"contacts.name:2"),
        (Key(KEY.id, Owner(new_id()), KEY.plain), b"contacts.name:1"),
        (Key(KEY.id, Owner(None), KEY.plain), b"contacts.name:1"),
        (Key(new_id(), KEY.owner, KEY.plain), b"contacts.name:1"),
        (Key(KEY.id, KEY.owner, bytes(32)), b"contacts.name:1"),
    ):
        with pytest.raises(SealBroken):
            key.open(sealed.replace(KEY.id.bytes, key.id.bytes), place)


@pytest.mark.parametrize("sealed", [b"", b"\x02", b"\x02" + bytes(27), b"\x01" + bytes(60), b"\x00" + bytes(60)])
def test_another_form_is_not_ours_to_open(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        key_id_of(sealed)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["tcId"]))
def test_it_agrees_with_published_vectors(vector: dict[str, Any]) -> None:
    raw = {name: bytes.fromhex(vector[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")}
    wrapped = raw["iv"] + raw["ct"] + raw["tag"]
    if vector["result"] == "valid":
        assert unwrapped_under(AESGCM(raw["key"]), wrapped, raw["aad"]) == raw["msg"]
    else:
        with pytest.raises(SealBroken):
            unwrapped_under(AESGCM(raw["key"]), wrapped, raw["aad"])


@pytest.mark.parametrize(
    "subject", ["", "ada@example.com", "contact:ada@example.com", "contact:+491701234567", "Contact:" + "0" * 32]
)
def test_a_subject_is_never_named_by_personal_data(subject: str) -> None:
    with pytest.raises(ValueError, match="name a subject"):
        Owner.of(None, subject)


async def test_an_older_master_key_opens_and_the_new_one_wraps() -> None:
    old, new = (LocalMasterKey.from_text(text * 43) for text in "AE")
    both = LocalMasterKey.from_text("E" * 43, ["A" * 43])
    wrapped = await old.wrap(b"key", b"context")
    assert await both.unwrap(old.key_id, wrapped, b"context") == b"key"
    assert both.key_id == new.key_id != old.key_id
    with pytest.raises(UnknownMasterKey):
        await new.unwrap(old.key_id, wrapped, b"context")
    with pytest.raises(SealBroken):
        await both.unwrap(new.key_id, wrapped, b"context")
    with pytest.raises(SealBroken):
        await old.unwrap(old.key_id, wrapped, b"another")


def test_a_wrapped_key_is_never_the_same_twice() -> None:
    assert wrapped_under(KEY.aead, b"key", b"") != wrapped_under(KEY.aead, b"key", b"")


def test_the_cache_is_bounded_in_number_and_time_and_forgets_an_organization_whole() -> None:
    now = [0.0]
    cache = KeyCache(keep_for=300, at_most=3, now=lambda: now[0])
    keys = [Key(new_id(), Owner(ORGANIZATION, subject), KEY.plain) for subject in ("", SUBJECT, "", "")]
    for key in keys:
        cache.keep(key, current=True)
    assert [cache.find(key.id) for key in keys] == [None, *keys[1:]]
    assert cache.current(Owner(ORGANIZATION)) is keys[3]
    cache.forget(Owner(ORGANIZATION, SUBJECT))
    assert cache.current(Owner(ORGANIZATION, SUBJECT)) is None
    assert len(cache) == 2
    cache.forget(Owner(new_id()))
    assert len(cache) == 2
    cache.keep(keys[1])
    cache.forget(Owner(ORGANIZATION))
    assert len(cache) == 0
    cache.keep(KEY, current=True)
    now[0] = 299.0
    cache.keep(KEY)
    assert cache.find(KEY.id) is KEY
    now[0] = 300.0
    assert cache.current(KEY.owner) is None
    assert len(cache) == 0
