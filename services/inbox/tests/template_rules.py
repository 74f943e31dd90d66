"""WhatsApp's rules for templates as a table: of each what just keeps it, and what breaks it alone."""

from inbox.templates import limits
from inbox.templates.rules import Design

from .designs import (
    APP,
    BESIDE,
    CALL,
    EMPTY,
    HEAD,
    LINK,
    LONG,
    MIXED,
    NAMED,
    OK,
    TEN,
    TWO,
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
    link,
    media,
    offer,
    otp,
    quick,
    tap,
    title,
)

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
