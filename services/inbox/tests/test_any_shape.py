"""Whatever platforms send, it is taken apart and read, or said to be unreadable: nothing else."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.channels.applying import Told
from inbox.channels.base import Report, Said, Seen
from inbox.channels.catalogue import Catalogue, Trouble
from inbox.channels.kinds import KINDS
from inbox.direct import payload as direct
from inbox.direct.saying import read as read_direct
from inbox.telnyx import source as telnyx
from inbox.whatsapp import payload as whatsapp
from inbox.whatsapp.saying import read_call, read_echo
from kit.clock import SystemClock
from kit.ids import new_id
from kit.intake.model import Item, Quarantined, Received, Unreadable
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

HIDE = whatsapp.Hidden(b"a key of this test")
TOLD = (Said, Report, Seen, Quarantined)
NAMES = (
    "mid",
    "text",
    "attachments",
    "type",
    "payload",
    "url",
    "id",
    "is_echo",
    "metadata",
    "mids",
    "watermark",
    "action",
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), inner, max_size=5)
    ),
    max_leaves=12,
)
parts = st.dictionaries(st.sampled_from(NAMES), json_values, max_size=6)
events = st.fixed_dictionaries(
    {},
    optional={
        "sender": json_values,
        "recipient": json_values,
        "timestamp": json_values,
        **dict.fromkeys(
            ("message", "reaction", "read", "delivery", "postback", "message_edit", "referral"), parts | json_values
        ),
    },
)


def received(item: Item) -> Received:
    return Received(new_id(), item, SystemClock().now())


@settings(max_examples=200)
@given(st.lists(events, max_size=3), json_values, st.sampled_from(["messenger", "instagram"]))
def test_any_event_of_meta_is_read(several: list[Any], end: Any, kind: str) -> None:
    wanted = "page" if kind == "messenger" else "instagram"
    body = orjson.dumps({"object": wanted, "entry": [{"id": end, "messaging": several, "changes": several}, end]})
    items = direct.split(body, wanted, HIDE)
    assert items == direct.split(body, wanted, HIDE)
    for item in items:
        if not item.kind.startswith("field:"):
            told: Told = read_direct(item.content, kind)
            assert isinstance(told, TOLD)


@settings(max_examples=200)
@given(
    st.sampled_from(["message.received", "message.sent", "message.finalized", "call.answered"]),
    st.dictionaries(
        st.sampled_from(["id", "from", "to", "text", "media", "tags", "errors", "received_at", "completed_at", "cc"]),
        json_values | st.lists(parts, max_size=2) | parts,
        max_size=8,
    ),
    json_values,
)
def test_any_event_of_telnyx_is_read(event: str, payload: dict[str, Any], at: Any) -> None:
    source = telnyx.TelnyxSource("", SystemClock(), HIDE, None)  # type: ignore[arg-type]
    body = orjson.dumps({"data": {"event_type": event, "id": "1", "occurred_at": at, "payload": payload}})
    for item in source.split(body):
        assert isinstance(telnyx.told(received(item)), TOLD)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data":3}', b'{"data":{"payload":[],"event_type":"x"}}', b"\xff"]
)
def test_what_is_no_event_is_said_to_be_none(body: bytes) -> None:
    source = telnyx.TelnyxSource("", SystemClock(), HIDE, None)  # type: ignore[arg-type]
    for split in (source.split, lambda told: direct.split(told, "page", HIDE)):
        with pytest.raises(Unreadable):
            split(body)


@given(
    st.dictionaries(st.sampled_from(["id", "from", "to", "event", "direction", "timestamp", "status"]), json_values)
)
def test_any_call_and_echo_of_whatsapp_is_read(told: dict[str, Any]) -> None:
    metadata = {"phone_number_id": "1", "display_phone_number": "15550001"}
    for field, name, read in (("calls", "calls", read_call), ("smb_message_echoes", "message_echoes", read_echo)):
        change = {"field": field, "value": {"metadata": metadata, name: [told]}}
        body = {"object": "whatsapp_business_account", "entry": [{"id": "2", "changes": [change]}]}
        for item in whatsapp.split(orjson.dumps(body), HIDE):
            assert isinstance(read(item.content), Said)


@pytest.mark.parametrize("errors", [each for _, each in KINDS.values()])
def test_every_error_has_words_and_one_outcome(errors: Catalogue) -> None:
    for code, rule in errors.rules.items():
        for status in (400, 401, 500):
            told = errors.outcome(Trouble(status, code), 1)
            assert isinstance(told, Unanswered if rule.sort == "unknown" else Refused | NotAccepted | Parked)
            assert errors.parks(code) is isinstance(told, Parked)
        assert rule.plain
        assert rule.advice
    assert isinstance(errors.outcome(Trouble(503), 1), Unanswered)
    assert isinstance(errors.outcome(Trouble(408), 1), Unanswered)
    assert isinstance(errors.outcome(Trouble(400, "77777"), 1), Refused)
    assert isinstance(errors.outcome(Trouble(429), 1), NotAccepted)
