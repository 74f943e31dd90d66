"""WhatsApp's rules for templates: what is refused, where, and what passes; and what is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.templates.components import normal
from inbox.templates.rules import Design, breaches
from inbox.templates.values import ButtonValue, Given, HeaderValue, Money, compose
from inbox.templates.variables import variables_of

from .designs import (
    CALL,
    HEAD,
    LINK,
    OK,
    OTP,
    TWO,
    URL,
    bare,
    body,
    button,
    buttons,
    card,
    cards,
    code,
    design,
    ending,
    footer,
    offer,
    otp,
    quick,
    title,
)
from .template_rules import RULES, Where

WHOLE: list[Design] = [
    design(body(TWO, "Anna", "55"), name="order_1", language="en_US"),
    ending(title("Sale"), OK, footer("Bye")),
    design(HEAD, OK, buttons(URL, CALL)),
    design(bare("LOCATION"), OK, buttons(*map(quick, range(10)))),
    ending(OK, buttons(button("COPY_CODE"))),
    code({"type": "BODY", "add_security_recommendation": True}, otp()),
    cards(card(), card(), card()),
    ending(HEAD, offer(), OK, LINK),
]


@pytest.mark.parametrize("whole", WHOLE)
def test_this_passes(whole: Design) -> None:
    assert breaches(whole) == []


@pytest.mark.parametrize(
    ("holds", "breaks", "where", "component"), [each[1:] for each in RULES], ids=[r[0] for r in RULES]
)
def test_each_rule_is_kept_up_to_its_limit_and_its_breach_is_told_alone_and_where(
    holds: Design, breaks: Design, where: Where, component: str
) -> None:
    assert breaches(holds) == []
    found = breaches(breaks)
    pointers = [where] if isinstance(where, str) else where
    assert [(each.pointer, each.component) for each in found] == [(at, component) for at in pointers]
    assert all(each.fix.endswith(".") for each in found)


def test_all_breaches_are_told_at_once() -> None:
    wrong = design(title("*Sale*"), body("{{1}} came", "Anna"), footer(""), name="A")
    told = [(each.pointer, each.component) for each in breaches(wrong)]
    assert told == [
        ("#/name", "name"),
        ("#/components/0/text", "HEADER"),
        ("#/components/1/text", "BODY"),
        ("#/components/1/text", "BODY"),
        ("#/components/2/text", "FOOTER"),
    ]


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
