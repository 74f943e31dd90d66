"""WhatsApp's rules for templates as a table: what is refused, in which component, and what passes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.templates.components import normal
from inbox.templates.rules import Design, breaches
from inbox.templates.values import ButtonValue, Given, HeaderValue, Money, compose
from inbox.templates.variables import variables_of

OK = {"type": "BODY", "text": "Your table is ready."}
TWO = "Hello {{1}}, your order {{2}} is on its way."
HEAD = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW1h:x"]}}
URL = {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}", "example": ["https://example.com/5"]}
OTP = {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]}
CARD = {"components": [HEAD, {"type": "BODY", "text": "Bread"}, {"type": "BUTTONS", "buttons": [URL]}]}


def body(text: str, *samples: str, **named: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "BODY", "text": text}
    if samples:
        made["example"] = {"body_text": [list(samples)]}
    if named:
        made["example"] = {"body_text_named_params": [{"param_name": n, "example": v} for n, v in named.items()]}
    return made


def buttons(*several: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(several)}


def quick(number: int) -> dict[str, Any]:
    return {"type": "QUICK_REPLY", "text": f"Choice {number}"}


def offer(**more: Any) -> dict[str, Any]:
    return {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Ends soon", "has_expiration": True, **more}}


GOOD: list[tuple[str, list[dict[str, Any]]]] = [
    ("UTILITY", [OK]),
    ("UTILITY", [body(TWO, "Anna", "55")]),
    ("UTILITY", [body("Hello {{name}}, order {{order_id}} is on its way.", name="Anna", order_id="5")]),
    ("MARKETING", [{"type": "HEADER", "format": "TEXT", "text": "Sale"}, OK, {"type": "FOOTER", "text": "Bye"}]),
    (
        "UTILITY",
        [{"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["5"]}}, OK],
    ),
    ("UTILITY", [HEAD, OK, buttons(URL, {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550001"})]),
    ("UTILITY", [{"type": "HEADER", "format": "LOCATION"}, OK, buttons(*map(quick, range(10)))]),
    ("MARKETING", [OK, buttons(quick(1), quick(2), URL)]),
    ("MARKETING", [OK, buttons({"type": "COPY_CODE", "example": "SAVE20"})]),
    ("AUTHENTICATION", [{"type": "BODY", "add_security_recommendation": True}, OTP]),
    ("AUTHENTICATION", [{"type": "BODY"}, {"type": "FOOTER", "code_expiration_minutes": 10}, OTP]),
    ("MARKETING", [OK, {"type": "CAROUSEL", "cards": [CARD, CARD]}]),
    ("MARKETING", [HEAD, offer(), OK, buttons(URL)]),
]

BAD: list[tuple[str, list[dict[str, Any]], str]] = [
    ("UTILITY", [], "BODY"),
    ("UTILITY", [OK, OK], "BODY"),
    ("PROMOTION", [OK], "category"),
    ("UTILITY", [body("x" * 1025)], "BODY"),
    ("UTILITY", [body("")], "BODY"),
    ("UTILITY", [body("{{1}} your order is on its way today.", "Anna")], "BODY"),
    ("UTILITY", [body("Your order is on its way today, {{1}}", "Anna")], "BODY"),
    ("UTILITY", [body("Hello dear {{1}} {{2}} and good morning to you.", "A", "B")], "BODY"),
    ("UTILITY", [body("Hello {{1}}, {{2}} now.", "A", "B")], "BODY"),
    ("UTILITY", [body("Hello {{1}}, your order {{3}} is on its way.", "A", "B")], "BODY"),
    ("UTILITY", [body("Hello {{1}}, your order {{name}} is on its way.", "A", "B")], "variables"),
    ("UTILITY", [body("Hello {{First Name}}, your order is on its way.", "A")], "variables"),
    ("UTILITY", [body("Hello {{1}, your order is on its way now.")], "BODY"),
    ("UTILITY", [body(TWO)], "BODY"),
    ("UTILITY", [body(TWO, "Anna")], "BODY"),
    ("UTILITY", [body("Hello {{name}}, your order is on its way.", other="Anna")], "BODY"),
    ("UTILITY", [{"type": "HEADER", "format": "TEXT", "text": "x" * 61}, OK], "HEADER"),
    ("UTILITY", [{"type": "HEADER", "format": "TEXT", "text": "*Sale*"}, OK], "HEADER"),
    ("UTILITY", [{"type": "HEADER", "format": "TEXT", "text": "Sale \U0001f389"}, OK], "HEADER"),
    ("UTILITY", [{"type": "HEADER", "format": "TEXT", "text": "{{1}} and {{2}}"}, OK], "HEADER"),
    ("UTILITY", [{"type": "HEADER", "format": "IMAGE"}, OK], "HEADER"),
    ("UTILITY", [{"type": "HEADER", "format": "SOUND"}, OK], "HEADER"),
    ("UTILITY", [OK, {"type": "FOOTER", "text": "x" * 61}], "FOOTER"),
    ("UTILITY", [OK, {"type": "FOOTER", "text": "Bye {{1}}"}], "FOOTER"),
    ("UTILITY", [OK, buttons(*map(quick, range(11)))], "BUTTONS"),
    ("UTILITY", [OK, buttons()], "BUTTONS"),
    ("UTILITY", [OK, buttons(quick(1), URL, quick(2))], "BUTTONS"),
    ("UTILITY", [OK, buttons(quick(1), quick(1))], "BUTTONS"),
    ("UTILITY", [OK, buttons({"type": "QUICK_REPLY", "text": "x" * 26})], "BUTTONS"),
    ("UTILITY", [OK, buttons(*({**URL, "text": f"Track {i}"} for i in range(3)))], "BUTTONS"),
    ("UTILITY", [OK, buttons({**URL, "url": "https://{{1}}.example.com/a"})], "BUTTONS"),
    ("UTILITY", [OK, buttons({**URL, "example": None})], "BUTTONS"),
    ("UTILITY", [OK, buttons({**URL, "url": "ftp://example.com"})], "BUTTONS"),
    ("UTILITY", [OK, buttons({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "call me"})], "BUTTONS"),
    ("UTILITY", [OK, buttons({"type": "COPY_CODE", "example": "x" * 16})], "BUTTONS"),
    ("UTILITY", [OK, buttons({"type": "FLOW", "text": "Go"})], "BUTTONS"),
    ("UTILITY", [OK, OTP], "BUTTONS"),
    ("AUTHENTICATION", [OK, OTP], "BODY"),
    ("AUTHENTICATION", [{"type": "BODY"}], "BUTTONS"),
    ("AUTHENTICATION", [{"type": "BODY"}, HEAD, OTP], "HEADER"),
    ("AUTHENTICATION", [{"type": "BODY"}, {"type": "FOOTER", "code_expiration_minutes": 91}, OTP], "FOOTER"),
    ("AUTHENTICATION", [{"type": "BODY"}, buttons({"type": "OTP", "otp_type": "ONE_TAP"})], "BUTTONS"),
    ("UTILITY", [OK, {"type": "CAROUSEL", "cards": [CARD, CARD]}], "CAROUSEL"),
    ("MARKETING", [OK, {"type": "CAROUSEL", "cards": [CARD]}], "CAROUSEL"),
    ("MARKETING", [OK, {"type": "CAROUSEL", "cards": [CARD] * 11}], "CAROUSEL"),
    ("MARKETING", [OK, {"type": "CAROUSEL", "cards": [CARD, {"components": [HEAD]}]}], "CAROUSEL"),
    ("MARKETING", [offer(), OK, buttons(URL), {"type": "FOOTER", "text": "Bye"}], "FOOTER"),
    ("MARKETING", [offer(text="x" * 17), OK, buttons(URL)], "LIMITED_TIME_OFFER"),
    ("MARKETING", [offer(), OK], "BUTTONS"),
    ("UTILITY", [OK, {"type": "VIDEO"}], "VIDEO"),
]


@pytest.mark.parametrize(("category", "components"), GOOD)
def test_this_passes(category: str, components: list[dict[str, Any]]) -> None:
    assert breaches(Design("a_name", "en_US", category, components)) == []


@pytest.mark.parametrize(("category", "components", "component"), BAD)
def test_this_is_refused_and_said_where(category: str, components: list[dict[str, Any]], component: str) -> None:
    found = breaches(Design("a_name", "en_US", category, components))
    assert component in {each.component for each in found}
    assert all(each.pointer.startswith("#/") and each.fix for each in found)


@pytest.mark.parametrize(
    ("name", "language", "pointer"),
    [
        ("A_Name", "en_US", "#/name"),
        ("x" * 513, "en_US", "#/name"),
        ("", "en", "#/name"),
        ("ok", "xx_YY", "#/language"),
    ],
)
def test_names_and_languages(name: str, language: str, pointer: str) -> None:
    assert [each.pointer for each in breaches(Design(name, language, "UTILITY", [OK]))] == [pointer]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("type", "text", "buttons", "cards", "components", "example", "url", "format", "body_text")
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)
components = st.lists(
    st.dictionaries(st.sampled_from(("format", "text", "buttons", "cards", "example")), json_values, max_size=4),
    min_size=1,
    max_size=4,
)
kinds = st.sampled_from(("HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "x"))


@given(components, st.lists(kinds, min_size=4, max_size=4), st.sampled_from(("MARKETING", "AUTHENTICATION")))
def test_any_shape_is_judged_and_never_breaks_the_judge(
    held: list[dict[str, Any]], types: list[str], category: str
) -> None:
    made = [{**each, "type": kind} for each, kind in zip(held, types, strict=False)]
    assert isinstance(breaches(Design("a", "en", category, normal(made))), list)


def test_what_is_sent_for_each_kind_of_part() -> None:
    parts = [
        HEAD,
        body("Hello {{name}}, you pay {{sum}} for it today.", name="A", sum="5"),
        buttons(quick(1), URL, {"type": "COPY_CODE", "example": "SAVE"}),
    ]
    money = Money(type="currency", code="EUR", amount_1000=5000, fallback="5 EUR")
    given_ = Given(
        {"name": "Anna", "sum": money},
        HeaderValue(link="https://example.com/a.jpg"),
        [ButtonValue(index=1, text="55"), ButtonValue(index=2, text="SAVE20"), ButtonValue(index=0, text="yes")],
    )
    made = compose(parts, {}, "MARKETING", given_)
    assert made.text == "Hello Anna, you pay 5 EUR for it today.\n[Choice 1][Track]"
    assert [each["type"] for each in made.components] == ["header", "body", "button", "button", "button"]
    assert made.components[0]["parameters"] == [{"type": "image", "image": {"link": "https://example.com/a.jpg"}}]
    assert made.components[1]["parameters"][1]["currency"]["amount_1000"] == 5000
    assert made.components[1]["parameters"][0]["parameter_name"] == "name"
    assert [each["sub_type"] for each in made.components[2:]] == ["quick_reply", "url", "copy_code"]


def test_a_code_to_sign_in_stands_in_body_and_button() -> None:
    made = compose([{"type": "BODY"}, OTP], {}, "AUTHENTICATION", Given({"1": "123456"}))
    texts = [each["parameters"][0]["text"] for each in made.components]
    assert texts == ["123456", "123456"]


@given(st.lists(st.sampled_from("abc"), max_size=5))
def test_variables_are_found_in_their_order_once(names: list[str]) -> None:
    text = " and ".join(f"{{{{{each}}}}}" for each in names)
    assert variables_of(text) == list(dict.fromkeys(names))
