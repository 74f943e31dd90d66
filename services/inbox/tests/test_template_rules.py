"""WhatsApp's rules for templates as a table: of each what just keeps it, and what breaks it alone."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.templates import limits
from inbox.templates.components import normal
from inbox.templates.rules import Design, breaches
from inbox.templates.values import ButtonValue, Given, HeaderValue, Money, compose
from inbox.templates.variables import variables_of

OK = {"type": "BODY", "text": "Your table is ready."}
TWO = "Hello {{1}}, your order {{2}} is on its way."
HEAD = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW1h:x"]}}
URL = {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}", "example": ["https://example.com/5"]}
OTP = {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]}


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


def design(
    *components: dict[str, Any], category: str = "UTILITY", name: str = "a_name", language: str = "en"
) -> Design:
    return Design(name, language, category, components)


def footer(text: str) -> dict[str, Any]:
    return {"type": "FOOTER", "text": text}


def title(text: str, *samples: str) -> dict[str, Any]:
    example = {"example": {"header_text": list(samples)}} if samples else {}
    return {"type": "HEADER", "format": "TEXT", "text": text, **example}


def media(form: str) -> dict[str, Any]:
    return {"type": "HEADER", "format": form, "example": {"header_handle": ["4::aW1h:x"]}}


def bare(form: str) -> dict[str, Any]:
    return {"type": "HEADER", "format": form}


def button(kind: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """A button that is right in itself."""
    needed: dict[str, dict[str, Any]] = {
        "URL": {"url": "https://example.com/"},
        "PHONE_NUMBER": {"phone_number": "+15550001"},
        "COPY_CODE": {"example": "SAVE20"},
        "FLOW": {"flow_id": "5"},
    }
    words = {} if kind == "COPY_CODE" else {"text": f"Choice {number}"}
    return {"type": kind, **words, **needed.get(kind, {}), **more}


def link(url: str, *samples: str) -> dict[str, Any]:
    return buttons(button("URL", url=url, **({"example": list(samples)} if samples else {})))


def code(*components: dict[str, Any]) -> Design:
    return design(*components, category="AUTHENTICATION")


def otp(**more: Any) -> dict[str, Any]:
    return buttons({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy", **more})


def tap(*apps: tuple[str, str], kind: str = "ONE_TAP", **more: Any) -> Design:
    told = [{"package_name": package, "signature_hash": signed} for package, signed in apps]
    return code(EMPTY, otp(otp_type=kind, supported_apps=told, **more))


def cards(*several: dict[str, Any], category: str = "MARKETING", beside: tuple[dict[str, Any], ...] = ()) -> Design:
    return design(OK, {"type": "CAROUSEL", "cards": list(several)}, *beside, category=category)


def card(text: str = "Bread", header: Any = HEAD, several: Any = (URL,)) -> dict[str, Any]:
    parts = [header, {"type": "BODY", "text": text} if text else None, buttons(*several) if several else None]
    return {"components": [each for each in parts if each is not None]}


def ending(*components: dict[str, Any], category: str = "MARKETING") -> Design:
    return design(*components, category=category)


EMPTY: Final = {"type": "BODY"}
APP: Final = ("com.example.shop", "K8a/AINcGX7")
LINK: Final = buttons(button("URL"))
TEN: Final = [*(button("QUICK_REPLY", n) for n in range(7)), button("URL", 8), button("URL", 9)]
CALL: Final = button("PHONE_NUMBER", 10)
NAMED: Final = "Hello {{name}}, your order {{order_id}} is on its way."
BESIDE: Final = "Hello dear {{1}} {{2}} and good morning to you."
MIXED: Final = {"name": "Anna", "1": "5"}
LONG: Final = "https://example.com/" + "x" * 1980

Where = str | list[str]
RULES: list[tuple[str, Design, Design, Where, str]] = [
    # the frame
    ("name: 512 characters", design(OK, name="x" * 512), design(OK, name="x" * 513), "#/name", "name"),
    ("name: not empty", design(OK, name="x"), design(OK, name=""), "#/name", "name"),
    ("name: small letters", design(OK, name="a_name_5"), design(OK, name="A_name"), "#/name", "name"),
    ("name: of ASCII", design(OK, name="groesse"), design(OK, name="größe"), "#/name", "name"),
    ("name: no hyphens", design(OK, name="a_b"), design(OK, name="a-b"), "#/name", "name"),
    ("name: one line", design(OK, name="a"), design(OK, name="a\n"), "#/name", "name"),
    ("a known language", design(OK, language="pt_BR"), design(OK, language="pt_XX"), "#/language", "language"),
    ("language as it is spelled", design(OK, language="de"), design(OK, language="DE"), "#/language", "language"),
    ("a known category", ending(OK), design(OK, category="PROMOTION"), "#/category", "category"),
    ("a body", design(OK), design(), "#/components", "BODY"),
    ("one of each", design(OK, footer("Bye")), design(OK, OK), ["#/components/0", "#/components/1"], "BODY"),
    ("known components", design(OK), design(OK, {"type": "VIDEO"}), "#/components/1/type", "VIDEO"),
    # headers
    ("known formats", design(media("VIDEO"), OK), design(media("SOUND"), OK), "#/components/0/format", "HEADER"),
    ("header: 60", design(title("x" * 60), OK), design(title("x" * 61), OK), "#/components/0/text", "HEADER"),
    ("header: not empty", design(title("x"), OK), design(title(""), OK), "#/components/0/text", "HEADER"),
    ("header: no bold", design(title("Sale"), OK), design(title("*Sale*"), OK), "#/components/0/text", "HEADER"),
    ("header: no code", design(title("Sale"), OK), design(title("`Sale`"), OK), "#/components/0/text", "HEADER"),
    ("header: no struck", design(title("a-b"), OK), design(title("~Sale~"), OK), "#/components/0/text", "HEADER"),
    ("header: one line", design(title("a b"), OK), design(title("a\nb"), OK), "#/components/0/text", "HEADER"),
    ("header: no tabs", design(title("a b"), OK), design(title("a\tb"), OK), "#/components/0/text", "HEADER"),
    ("header: no emoji", design(title("Süß"), OK), design(title("\U0001f389"), OK), "#/components/0/text", "HEADER"),
    (
        "header: one variable",
        design(title("Order {{1}}", "5"), OK),
        design(title("{{1}} and {{2}}", "5", "6"), OK),
        "#/components/0/text",
        "HEADER",
    ),
    (
        "header: counted from one",
        design(title("Order {{1}}", "5"), OK),
        design(title("Order {{2}}", "5"), OK),
        "#/components/0/text",
        "HEADER",
    ),
    (
        "header: a sample of its variable",
        design(title("Order {{1}}", "5"), OK),
        design(title("Order {{1}}"), OK),
        "#/components/0/example/header_text",
        "HEADER",
    ),
    *(
        (
            f"header: a sample of its {form}",
            design(media(form), OK),
            design(bare(form), OK),
            "#/components/0/example/sample_id",
            "HEADER",
        )
        for form in ("IMAGE", "VIDEO", "DOCUMENT")
    ),
    (
        "only of what is shown",
        design(bare("LOCATION"), OK),
        design(bare("PLACE"), OK),
        "#/components/0/format",
        "HEADER",
    ),
    # bodies
    ("body: 1024", design(body("x" * 1024)), design(body("x" * 1025)), "#/components/0/text", "BODY"),
    ("body: not empty", design(body("x")), design(body("")), "#/components/0/text", "BODY"),
    (
        "body: whole braces",
        design(body("Hello {{1}}, your order is on its way now.", "A")),
        design(body("Hello {{1}, your order is on its way now.")),
        "#/components/0/text",
        "BODY",
    ),
    (
        "body: words before its variables",
        design(body("So {{1}} your order is on its way.", "Anna")),
        design(body("{{1}} your order is on its way.", "Anna")),
        "#/components/0/text",
        "BODY",
    ),
    (
        "body: words after its variables",
        design(body("Your order is on its way, {{1}}.", "Anna")),
        design(body("Your order is on its way, {{1}}", "Anna")),
        "#/components/0/text",
        "BODY",
    ),
    (
        "body: words between its variables",
        design(body(BESIDE.replace("} {", "} and {"), "A", "B")),
        design(body(BESIDE, "A", "B")),
        "#/components/0/text",
        "BODY",
    ),
    (
        "body: five words beside two variables",
        design(body("Hello {{1}}, it {{2}} came now.", "A", "B")),
        design(body("Hello {{1}}, it {{2}} came.", "A", "B")),
        "#/components/0/text",
        "BODY",
    ),
    (
        "body: seven words beside three variables",
        design(body("Of a {{1}} b {{2}} c {{3}} d e f.", "A", "B", "C")),
        design(body("Of a {{1}} b {{2}} c {{3}} d.", "A", "B", "C")),
        "#/components/0/text",
        "BODY",
    ),
    (
        "body: counted without a gap",
        design(body("Hello {{2}}, your order {{1}} is on its way.", "A", "B")),
        design(body("Hello {{1}}, your order {{3}} is on its way.", "A", "B")),
        "#/components/0/text",
        "BODY",
    ),
    (
        "variables: all by name or none",
        design(body(NAMED, name="Anna", order_id="5")),
        design(body("Hello {{name}}, your order {{1}} is on its way.", **MIXED)),
        "#/components",
        "variables",
    ),
    (
        "variables: small letters",
        design(body("Hello {{first_name}}, your order is on its way.", first_name="A")),
        design(body("Hello {{First Name}}, your order is on its way.", **{"First Name": "A"})),
        "#/components",
        "variables",
    ),
    (
        "variables: in all texts alike",
        design(title("Order {{1}}", "5"), body(TWO, "Anna", "55")),
        design(title("Order {{1}}", "5"), body(NAMED, name="Anna", order_id="5")),
        "#/components",
        "variables",
    ),
    *(
        (
            f"body: {what}",
            design(body(TWO, "Anna", "55")),
            design(body(TWO, *samples)),
            "#/components/0/example/body_text",
            "BODY",
        )
        for what, samples in (
            ("samples", ()),
            ("one sample each", ("Anna",)),
            ("no sample more", ("Anna", "5", "6")),
            ("no empty sample", ("Anna", "")),
        )
    ),
    (
        "body: a sample by name",
        design(body(NAMED, name="Anna", order_id="5")),
        design(body(NAMED, name="Anna", other="5")),
        "#/components/0/example/body_text_named_params",
        "BODY",
    ),
    # footers
    ("footer: 60", design(OK, footer("x" * 60)), design(OK, footer("x" * 61)), "#/components/1/text", "FOOTER"),
    ("footer: not empty", design(OK, footer("x")), design(OK, footer("")), "#/components/1/text", "FOOTER"),
    (
        "footer: plain",
        design(OK, footer("Bye {1}")),
        design(OK, footer("Bye {{1}}")),
        "#/components/1/text",
        "FOOTER",
    ),
    # buttons
    ("buttons: one", design(OK, buttons(quick(1))), design(OK, buttons()), "#/components/1/buttons", "BUTTONS"),
    (
        "buttons: ten",
        design(OK, buttons(*TEN, CALL)),
        design(OK, buttons(quick(11), *TEN, CALL)),
        "#/components/1/buttons",
        "BUTTONS",
    ),
    *(
        (
            f"buttons: {most} of {kind}",
            design(OK, buttons(*(button(kind, n) for n in range(most)))),
            design(OK, buttons(*(button(kind, n) for n in range(most + 1)))),
            "#/components/1/buttons",
            "BUTTONS",
        )
        for kind, most in limits.MOST_OF_A_KIND.items()
        if kind not in ("QUICK_REPLY", "OTP")
    ),
    (
        "buttons: quick replies together",
        design(OK, buttons(quick(1), quick(2), button("URL", 3))),
        design(OK, buttons(quick(1), button("URL", 3), quick(2))),
        "#/components/1/buttons",
        "BUTTONS",
    ),
    (
        "buttons: texts of their own",
        design(OK, buttons(quick(1), quick(2))),
        design(OK, buttons(quick(1), quick(1))),
        "#/components/1/buttons",
        "BUTTONS",
    ),
    *(
        (
            f"buttons: {what}",
            design(OK, buttons(right)),
            design(OK, buttons(wrong)),
            f"#/components/1/buttons/0{at}",
            "BUTTONS",
        )
        for what, right, wrong, at in (
            ("known types", quick(1), button("SHARE"), "/type"),
            ("OTP for codes alone", quick(1), button("OTP", otp_type="COPY_CODE"), "/type"),
            ("25", {**quick(1), "text": "x" * 25}, {**quick(1), "text": "x" * 26}, "/text"),
            ("a text", {**quick(1), "text": "x"}, {**quick(1), "text": ""}, "/text"),
            ("a text that stays", quick(1), {**quick(1), "text": "For {{1}}"}, "/text"),
            ("digits", button("PHONE_NUMBER"), button("PHONE_NUMBER", phone_number="call me"), "/phone_number"),
            (
                "20 digits",
                button("PHONE_NUMBER", phone_number="+" + "1" * 20),
                button("PHONE_NUMBER", phone_number="+" + "1" * 21),
                "/phone_number",
            ),
            (
                "a code of 15",
                button("COPY_CODE", example="x" * 15),
                button("COPY_CODE", example="x" * 16),
                "/example",
            ),
            ("a sample code", button("COPY_CODE"), button("COPY_CODE", example=""), "/example"),
            ("a flow", button("FLOW"), button("FLOW", flow_id=""), "/flow_id"),
        )
    ),
    *(
        (f"address: {what}", design(OK, right), design(OK, wrong), f"#/components/1/buttons/0{at}", "BUTTONS")
        for what, right, wrong, at in (
            ("https", link("http://example.com/"), link("ftp://example.com/"), "/url"),
            ("no script", link("https://example.com/"), link("javascript:alert(1)"), "/url"),
            ("no blank", link("https://example.com/a%20b"), link("https://example.com/a b"), "/url"),
            ("2000", link(LONG), link(f"{LONG}x"), "/url"),
            (
                "host that stays",
                link("https://example.com/{{1}}", "x"),
                link("https://{{1}}.example.com/a", "x"),
                "/url",
            ),
            ("one variable", link("https://a.b/{{1}}", "x"), link("https://a.b/{{1}}{{2}}", "x"), "/url"),
            ("variable at its end", link("https://a.b/?c={{1}}", "x"), link("https://a.b/{{1}}?c=d", "x"), "/url"),
            ("a sample", link("https://a.b/{{1}}", "https://a.b/5"), link("https://a.b/{{1}}"), "/example"),
            (
                "a sample that says something",
                link("https://a.b/{{1}}", "x"),
                link("https://a.b/{{1}}", ""),
                "/example",
            ),
        )
    ),
    # codes to sign in
    ("code: no words of ours", code(EMPTY, otp()), code(OK, otp()), "#/components/0/text", "BODY"),
    ("code: no header", code(EMPTY, otp()), code(EMPTY, HEAD, otp()), "#/components/1", "HEADER"),
    ("code: no offer", code(EMPTY, otp()), code(EMPTY, offer(), otp()), "#/components/1", "LIMITED_TIME_OFFER"),
    (
        "code: no carousel",
        code(EMPTY, otp()),
        code(EMPTY, {"type": "CAROUSEL", "cards": [card(), card()]}, otp()),
        "#/components/1",
        "CAROUSEL",
    ),
    *(
        (
            f"code: {least} minutes and not {wrong!r}",
            code(EMPTY, {"type": "FOOTER", "code_expiration_minutes": least}, otp()),
            code(EMPTY, {"type": "FOOTER", "code_expiration_minutes": wrong}, otp()),
            "#/components/1/code_expiration_minutes",
            "FOOTER",
        )
        for least, wrong in ((1, 0), (90, 91), (10, "10"), (10, True), (10, None))
    ),
    ("code: a button", code(EMPTY, otp()), code(EMPTY), "#/components", "BUTTONS"),
    (
        "code: one button",
        code(EMPTY, otp()),
        code(EMPTY, buttons(*otp()["buttons"], *otp()["buttons"])),
        "#/components/1",
        "BUTTONS",
    ),
    ("code: of the type OTP", code(EMPTY, otp()), code(EMPTY, buttons(quick(1))), "#/components/1", "BUTTONS"),
    (
        "code: known ways",
        code(EMPTY, otp()),
        code(EMPTY, otp(otp_type="FAX")),
        "#/components/1/buttons/0/otp_type",
        "BUTTONS",
    ),
    (
        "code: 25",
        code(EMPTY, otp(text="x" * 25)),
        code(EMPTY, otp(text="x" * 26)),
        "#/components/1/buttons/0/text",
        "BUTTONS",
    ),
    *(
        (f"code: {what}", tap(*right), tap(*wrong), "#/components/1/buttons/0/supported_apps", "BUTTONS")
        for what, right, wrong in (
            ("five apps", [APP] * 5, [APP] * 6),
            ("an app", [APP], []),
            ("a package", [APP], [("shop", APP[1])]),
            ("a package of ASCII", [APP], [("com.größe", APP[1])]),
            ("a hash of eleven", [APP], [(APP[0], "K8a/AINcGX7x")]),
        )
    ),
    (
        "code: terms for no tap",
        tap(APP, kind="ZERO_TAP", zero_tap_terms_accepted=True),
        tap(APP, kind="ZERO_TAP"),
        "#/components/1/buttons/0/zero_tap_terms_accepted",
        "BUTTONS",
    ),
    # carousels
    (
        "carousel: MARKETING",
        cards(card(), card()),
        cards(card(), card(), category="UTILITY"),
        "#/category",
        "CAROUSEL",
    ),
    ("carousel: two cards", cards(card(), card()), cards(card()), "#/components/1/cards", "CAROUSEL"),
    ("carousel: ten cards", cards(*[card()] * 10), cards(*[card()] * 11), "#/components/1/cards", "CAROUSEL"),
    *(
        (
            f"carousel: no {kind} of its own",
            cards(card(), card()),
            cards(card(), card(), beside=(part,)),
            "#/components/2",
            kind,
        )
        for kind, part in (("HEADER", HEAD), ("FOOTER", footer("Bye")), ("BUTTONS", LINK))
    ),
    *(
        (
            f"carousel: {what}",
            cards(*[right] * 2),
            cards(*[wrong] * 2),
            [f"#/components/1/cards/0{at}", f"#/components/1/cards/1{at}"],
            component,
        )
        for what, right, wrong, at, component in (
            ("a header on each card", card(), card(header=None), "", "CAROUSEL"),
            ("pictures", card(header=media("VIDEO")), card(header=media("DOCUMENT")), "", "CAROUSEL"),
            ("samples", card(), card(header=bare("IMAGE")), "", "CAROUSEL"),
            ("160", card("x" * 160), card("x" * 161), "", "CAROUSEL"),
            ("words around variables", card("For {{1}} now a b"), card("{{1}} for now a b"), "", "CAROUSEL"),
            ("a button", card(), card(several=()), "/buttons", "BUTTONS"),
            (
                "two buttons",
                card(several=(quick(1), quick(2))),
                card(several=(quick(1), quick(2), quick(3))),
                "/buttons",
                "BUTTONS",
            ),
        )
    ),
    (
        "carousel: cards alike",
        cards(card(), card("Cake")),
        cards(card(), card(several=(quick(1),))),
        "#/components/1/cards",
        "CAROUSEL",
    ),
    (
        "carousel: pictures alike",
        cards(card(), card("Cake")),
        cards(card(), card(header=media("VIDEO"))),
        "#/components/1/cards",
        "CAROUSEL",
    ),
    # offers that end
    ("offer: MARKETING", ending(offer(), OK, LINK), design(offer(), OK, LINK), "#/category", "LIMITED_TIME_OFFER"),
    *(
        (
            f"offer: {what}",
            ending(offer(text=right), OK, LINK),
            ending(offer(text=wrong), OK, LINK),
            "#/components/0/limited_time_offer/text",
            "LIMITED_TIME_OFFER",
        )
        for what, right, wrong in (("16", "x" * 16, "x" * 17), ("not empty", "x", ""))
    ),
    (
        "offer: a body of 600",
        ending(offer(), body("x" * 600), LINK),
        ending(offer(), body("x" * 601), LINK),
        "#/components/1/text",
        "BODY",
    ),
    (
        "offer: no footer",
        ending(offer(), OK, LINK),
        ending(offer(), OK, LINK, footer("Bye")),
        "#/components/3",
        "FOOTER",
    ),
    (
        "offer: a picture",
        ending(media("VIDEO"), offer(), OK, LINK),
        ending(media("DOCUMENT"), offer(), OK, LINK),
        "#/components/0",
        "HEADER",
    ),
    ("offer: a link", ending(offer(), OK, LINK), ending(offer(), OK), "#/components", "BUTTONS"),
    (
        "offer: a link among its buttons",
        ending(offer(), OK, buttons(button("COPY_CODE"), button("URL"))),
        ending(offer(), OK, buttons(button("COPY_CODE"))),
        "#/components/2",
        "BUTTONS",
    ),
]
"""Each rule with a template that just keeps it, one that breaks it and no other, where that is told, and of what."""

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
