"""A delivery taken apart; the payloads are written after the platform's documentation."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.channels.base import Said
from inbox.whatsapp.payload import Hidden, json_of, split
from inbox.whatsapp.saying import read, read_status
from kit.intake.model import Item, Unreadable

from .house import delivery, value

HIDE = Hidden(b"a key of this test")


def items(*changes: dict[str, Any]) -> list[Item]:
    return list(split(delivery(*changes), HIDE))


def said(message: dict[str, Any], profile: dict[str, Any] | None = None) -> Said:
    told = {"from": "16505551234", "id": "wamid.one", "timestamp": "1750016800", **message}
    (item,) = items(value(messages=[told], contacts=[profile or {"wa_id": "16505551234"}]))
    return read(item.content)


def text(body: str, identity: str, person: str = "16505551234") -> dict[str, Any]:
    return {"from": person, "id": identity, "timestamp": "1750016800", "type": "text", "text": {"body": body}}


def test_every_entry_change_message_and_status_is_an_item_in_the_order_of_the_delivery() -> None:
    status = {"id": "wamid.out", "status": "sent", "timestamp": "1750016801", "recipient_id": "16505551234"}
    changes = [
        value(messages=[text("a", "wamid.1"), text("b", "wamid.2")]),
        value(statuses=[status, status | {"status": "read"}]),
    ]
    body = orjson.loads(delivery(*changes))
    body["entry"].append({"id": "300", "changes": [value("200", messages=[text("c", "wamid.3")])]})
    found = list(split(orjson.dumps(body), HIDE))
    assert [each.kind for each in found] == ["message", "message", "status", "status", "message"]
    assert [each.tenant for each in found] == ["100000000000001"] * 4 + ["200"]
    assert len({each.id for each in found}) == 5
    assert len({each.key for each in found}) == 2
    assert found[0].occurred_at == datetime(2025, 6, 15, 19, 46, 40, tzinfo=UTC)


def test_neither_ids_nor_keys_tell_who_wrote() -> None:
    (item,) = items(value(messages=[text("a", "wamid.HBgLMTY1MDU1NTEyMzQ")]))
    assert "1650" not in item.id + item.key
    assert "HBgLMTY1" not in item.id


def test_the_same_message_has_the_same_id_in_every_delivery_and_each_status_its_own() -> None:
    (one,), (two,) = items(value(messages=[text("a", "wamid.1")])), items(value(messages=[text("a", "wamid.1")]))
    assert one.id == two.id
    status = {"id": "wamid.1", "status": "sent", "timestamp": "1", "recipient_id": "1"}
    assert len({each.id for each in items(value(statuses=[status, status | {"status": "delivered"}, status]))}) == 2


def test_other_fields_are_items_of_their_own_kind() -> None:
    template = {
        "field": "message_template_status_update",
        "value": {"event": "APPROVED", "message_template_id": 1, "message_template_name": "hi"},
    }
    preference = {
        "field": "user_preferences",
        "value": {"metadata": {"phone_number_id": "7"}, "user_preference": [{"value": "stop"}]},
    }
    found = items(template, preference, {"field": "messages", "value": {"errors": [{"code": 130429}]}}, {"value": 3})
    assert [each.kind for each in found] == [
        "field:message_template_status_update",
        "field:user_preferences",
        "field:messages",
        "field:unknown",
    ]
    assert [each.tenant for each in found] == ["account:200000000000001", "7", *["account:200000000000001"] * 2]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"object":"page","entry":[]}', b"\xff\xfe", b"null"])
def test_what_is_no_delivery_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(Unreadable):
        split(body, HIDE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["from", "id", "timestamp", "type", "text", "image", "context", "system", "reaction", "body"])


@given(st.dictionaries(names, json_values, max_size=8), json_values)
def test_a_message_of_any_shape_is_kept_and_read(message: dict[str, Any], profiles: Any) -> None:
    changes = [value(messages=[message, 3, None], contacts=profiles if isinstance(profiles, list) else [profiles])]
    for item in items(*changes):
        if item.kind == "message":
            assert read(item.content).kind


@given(json_values)
def test_a_delivery_of_any_shape_is_taken_apart(anything: Any) -> None:
    for body in (
        {"object": "whatsapp_business_account", "entry": anything},
        {"object": "whatsapp_business_account", "entry": [{"id": anything, "changes": anything}]},
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": 1, "changes": [{"field": anything, "value": anything}]}],
        },
    ):
        split(orjson.dumps(body), HIDE)


@pytest.mark.parametrize(
    ("message", "kind", "expected"),
    [
        ({"type": "text", "text": {"body": "Hi"}}, "text", "Hi"),
        ({"type": "button", "button": {"text": "Yes", "payload": "y"}}, "button", "Yes"),
        (
            {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": {"id": "1", "title": "No"}},
            },
            "interactive",
            "No",
        ),
        (
            {
                "type": "interactive",
                "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Mail"}},
            },
            "interactive",
            "Mail",
        ),
        ({"type": "location", "location": {"latitude": 1.5, "longitude": 2, "name": "HQ"}}, "location", "HQ"),
        ({"type": "image", "image": {"id": "9", "mime_type": "image/jpeg", "caption": "Look"}}, "image", "Look"),
        ({"type": "audio", "audio": {"id": "9", "voice": True}}, "audio", None),
        ({"type": "contacts", "contacts": [{"name": {"formatted_name": "A"}}]}, "contacts", "[contacts]"),
        ({"type": "order", "order": {"catalog_id": "1", "product_items": []}}, "order", "[order]"),
        (
            {"type": "unsupported", "unsupported": {"type": "poll"}, "errors": [{"code": 131051}]},
            "unsupported",
            "[poll]",
        ),
        ({"type": "hologram", "hologram": {"x": 1}}, "hologram", "[hologram]"),
        ({"type": {"not": "text"}}, "unknown", "[unknown]"),
        ({}, "unknown", "[unknown]"),
    ],
)
def test_every_kind_is_kept_with_something_to_read(message: dict[str, Any], kind: str, expected: str | None) -> None:
    told = said(message)
    assert (told.kind, told.content.text) == (kind, expected)


def test_a_person_is_known_by_the_scoped_id_before_the_number() -> None:
    profile = {"wa_id": "16505551234", "user_id": "US.123", "parent_user_id": "US.ENT.9", "profile": {"name": "S"}}
    told = said({"type": "text", "text": {"body": "x"}}, profile)
    assert [(each.kind, each.value) for each in told.known_as] == [
        ("bsuid", "US.123"),
        ("whatsapp_id", "16505551234"),
        ("parent_bsuid", "US.ENT.9"),
    ]
    assert told.name == "S"


def test_somebody_without_a_number_is_known_by_the_scoped_id_alone() -> None:
    message = {"id": "wamid.1", "timestamp": "1", "type": "text", "text": {"body": "x"}, "from_user_id": "US.5"}
    (item,) = items(value(messages=[message], contacts=[{"user_id": "US.5", "profile": {"username": "me"}}]))
    told = read(item.content)
    assert [(each.kind, each.value) for each in told.known_as] == [("bsuid", "US.5")]
    assert told.name == "me"


def test_each_message_takes_the_profile_of_its_own_sender() -> None:
    profiles = [{"wa_id": "1" * 8, "profile": {"name": "One"}}, {"wa_id": "2" * 8, "profile": {"name": "Two"}}]
    found = items(value(messages=[text("a", "1", "2" * 8), text("b", "2", "1" * 8)], contacts=profiles))
    assert [read(each.content).name for each in found] == ["Two", "One"]


def test_a_change_of_number_tells_who_it_was_and_who_it_is() -> None:
    system = {"type": "user_changed_number", "wa_id": "12195555358", "user_id": "US.2", "previous_user_id": "US.1"}
    told = said({"type": "system", "system": {"body": "changed", **system}})
    assert [each.value for each in told.formerly] == ["US.1", "16505551234"]
    assert [each.value for each in told.known_as] == ["US.2", "12195555358"]


def test_a_reaction_an_edit_and_a_withdrawal_are_about_another_message() -> None:
    for message, kind in (
        ({"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}, "reaction"),
        ({"type": "revoke", "revoke": {"original_message_id": "wamid.x"}}, "revoke"),
        (
            {
                "type": "edit",
                "edit": {"original_message_id": "wamid.x", "message": {"type": "text", "text": {"body": "new"}}},
            },
            "edit",
        ),
    ):
        told = said(message)
        assert told.about is not None
        assert (told.about.kind, told.about.target) == (kind, "wamid.x")


def test_a_report_says_what_we_had_put_in() -> None:
    status = {
        "id": "wamid.1",
        "status": "failed",
        "timestamp": "1750016800",
        "recipient_id": "1",
        "biz_opaque_callback_data": "ours",
        "errors": [{"code": 131026, "title": "x"}],
    }
    (item,) = items(value(statuses=[status]))
    report = read_status(item.content)
    assert (report.status, report.ours, report.code) == ("failed", "ours", "131026")


def test_a_delivery_full_of_contacts_is_taken_apart_in_one_pass() -> None:
    """Contacts times messages would keep a worker busy for minutes."""
    people = [f"1650{number:07d}" for number in range(9_000)]
    profiles = [{"wa_id": person, "profile": {"name": f"n{person}"}} for person in people]
    messages = [text("a", f"wamid.{person}", person) for person in reversed(people)]
    found = items(value(contacts=[*profiles, *[{} for _ in range(100_000)]], messages=messages))
    assert len(found) == len(people)
    assert {read(each.content).name for each in found} == {f"n{person}" for person in people}


def test_a_delivery_with_more_items_than_there_can_be_is_not_taken_apart_to_its_end() -> None:
    with pytest.raises(Unreadable, match="more items"):
        items(value(messages=[{}] * 200_000))


@pytest.mark.parametrize(
    ("escaped", "told"),
    [
        (rb"a\ud800b", "a\ufffdb"),
        (rb"a\uDFFFb", "a\ufffdb"),
        (rb"a\ud83d\ude00b\ud83d", "a\U0001f600b\ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\ude00\ud83d", "\ufffd\ufffd"),
        (rb"\\ud800 \ud800", "\\ud800 \ufffd"),
        (rb"\\\ud800", "\\\ufffd"),
        (rb"\"\ud800\"\n\u0041", '"\ufffd"\nA'),
    ],
)
def test_half_a_character_is_replaced_and_whole_ones_and_words_about_them_stay(escaped: bytes, told: str) -> None:
    assert json_of(b'{"a":"' + escaped + b'"}') == {"a": told}


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":"\\ud800}', b'"\xed\xa0\x80"', b'{"a":NaN}', b"[" * 2000, b'"\\'])
def test_what_is_no_json_stays_none(body: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        json_of(body)


@given(st.recursive(st.text(max_size=6), lambda inner: st.lists(inner, max_size=3), max_leaves=6))
def test_all_other_json_is_read_as_ever(told: Any) -> None:
    body = json.dumps([told, "\ud800"]).encode()
    assert json_of(body) == [told, "\ufffd"]
