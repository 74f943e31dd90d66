"""What a mail says, and what it can never say, whatever people call themselves."""

import json
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateNotFound, UndefinedError

from kit.ids import new_id
from kit.mail import Post, Templates, UnsubscribeLinkForged, Unsubscription
from kit.mail.links import MailSecret, normalised
from kit.mail.locales import preferred
from kit.mail.message import message
from kit.mail.model import Outgoing
from kit.mail.templates import LONGEST_SUBJECT, one_line

from .conftest import NEWS, TEMPLATES

NAUGHTY: list[str] = json.loads((Path(__file__).parents[1] / "data" / "naughty_strings.json").read_text())
HOSTILE = [
    "Ada\r\nBcc: eve@example.com",
    "Ada\nX-Evil: 1\n\nbody",
    "Ada\x0bBcc: eve@example.com\x0c",
    "Ada\u2028Bcc: eve@example.com\u2029\x85x",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% include 'x' %}",
    "=?utf-8?q?Bcc:_eve?=",
    "\u202egnp.exe",
    "a" * 5000,
]
POST = Post("Rostrum <no-reply@rostrum.test>", (NEWS,), "https://api.rostrum.test/v1/unsubscribe")
TEXTS = Templates(TEMPLATES)
SECRET = MailSecret(bytes(range(32)))


def written(name: str, unsubscribe: str | None = None, locale: str = "en") -> EmailMessage:
    """A mail as somebody receives it."""
    outgoing = Outgoing(
        new_id(), None, "news", "greeting", locale, None, None, None, None, None, "<1@x>", 0, datetime.now(UTC)
    )
    words = TEXTS.render("greeting", locale, {"name": name, "link": "https://x.test/#token=a&b=c"})
    raw = message(outgoing, POST, "ada@example.com", words, unsubscribe).as_bytes()
    return message_from_bytes(raw, policy=policy.default)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.seen.append(tag)


USUAL = [name.lower() for name in written("Ada").keys()]  # noqa: SIM118 - a message is no mapping
TAGS = Tags(TEXTS.render("greeting", "en", {"name": "Ada", "link": "https://x.test/"}).html).seen


def inspect(name: str) -> None:
    mail = written(name)
    assert [each.lower() for each in mail.keys()] == USUAL  # noqa: SIM118
    assert mail["to"] == "ada@example.com"
    assert len(mail["subject"]) <= LONGEST_SUBJECT + 30
    text = mail.get_body(("plain",))
    assert text is not None
    first, _, rest = text.get_content().replace("\r\n", "\n").partition("\n")
    assert first.startswith("Hello from")
    assert rest.strip() == "https://x.test/#token=a&b=c"
    page = mail.get_body(("html",))
    assert page is not None
    assert Tags(page.get_content()).seen == TAGS


@pytest.mark.parametrize("name", [*HOSTILE, *NAUGHTY])
def test_a_hostile_name_is_neither_a_header_nor_a_tag_nor_a_paragraph(name: str) -> None:
    inspect(name)


@given(st.text(max_size=200))
def test_no_name_is(name: str) -> None:
    inspect(name)


@given(st.text(max_size=200))
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert one_line(one_line(text)) == one_line(text)


def test_a_missing_parameter_is_an_error_and_so_is_a_missing_template() -> None:
    with pytest.raises(UndefinedError):
        TEXTS.render("greeting", "en", {"name": "Ada"})
    with pytest.raises(TemplateNotFound):
        TEXTS.render("nowhere", "en", {})


def test_there_is_a_german_one_and_what_is_not_there_is_english() -> None:
    assert TEXTS.locales("greeting") == {"en", "de"}
    assert TEXTS.render("greeting", "de", {"name": "Ada", "link": "x"}).subject == "Ein Gruß von Ada"
    for locale in ("fr", "", "../../etc/passwd", "en.subject.j2"):
        assert TEXTS.render("greeting", locale, {"name": "Ada", "link": "x"}).subject == "A greeting from Ada"


def test_the_unsubscribe_link_is_one_line_unencoded_however_long() -> None:
    url = "https://api.rostrum.test/v1/unsubscribe?token=" + "A" * 200
    mail = written("Ada", url)
    raw = mail.as_bytes(policy=policy.compat32)
    assert f"List-Unsubscribe: <{url}>".encode() in raw.replace(b"\r\n ", b"").replace(b"\n ", b"")
    outgoing = Outgoing(
        new_id(), None, "news", "greeting", "en", None, None, None, None, None, "<1@x>", 0, datetime.now(UTC)
    )
    words = TEXTS.render("greeting", "en", {"name": "Ada", "link": "x"})
    wire = message(outgoing, POST, "ada@example.com", words, url).as_bytes()
    assert f"\r\nList-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode() in wire


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["news", "a", "x" * 40]), st.booleans())
def test_a_link_says_what_it_was_made_for(address_hash: bytes, category: str, known: bool) -> None:
    said = Unsubscription(address_hash, category, new_id() if known else None)
    assert SECRET.read(SECRET.token(said)) == said


@given(st.integers(min_value=0), st.sampled_from("ABCxyz019-_=~ é"))
def test_a_link_that_was_tampered_with_is_none(at: int, letter: str) -> None:
    token = SECRET.token(Unsubscription(SECRET.hashed("ada@example.com"), "news", new_id()))
    at %= len(token)
    changed = token[:at] + letter + token[at + 1 :]
    if changed != token:
        with pytest.raises(UnsubscribeLinkForged):
            SECRET.read(changed)


@pytest.mark.parametrize("token", ["", "x", "A" * 50, "A" * 200, "A" * 600, "🦊", "=" * 20, "AQ" + "A" * 100 + "=="])
def test_junk_is_no_link(token: str) -> None:
    with pytest.raises(UnsubscribeLinkForged):
        SECRET.read(token)


def test_a_link_of_another_service_is_none_and_no_link_shows_the_address() -> None:
    said = Unsubscription(SECRET.hashed("ada@example.com"), "news")
    with pytest.raises(UnsubscribeLinkForged):
        MailSecret(bytes(32)).read(SECRET.token(said))
    assert "ada" not in SECRET.token(said)
    assert MailSecret(bytes(32)).hashed("ada@example.com") != SECRET.hashed("ada@example.com")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("адам@bücher.de", "адам@xn--bcher-kva.de"),
        ("ADA@BÜCHER.de", "ada@xn--bcher-kva.de"),
    ],
)
def test_spellings_of_one_mailbox_are_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert SECRET.hashed(one) == SECRET.hashed(other)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR, de;q=0.3, en;q=0.7", "en"),
        ("fr", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("de;q=2", "en"),
        (",;q=,\x00de", "en"),
        ("x," * 5000 + "de", "en"),
    ],
)
def test_the_language_is_the_best_there_is(header: str | None, language: str) -> None:
    assert preferred(header, {"en", "de"}) == language


@given(st.text(max_size=300))
def test_no_header_makes_trouble(header: str) -> None:
    assert preferred(header, {"en", "de"}) in {"en", "de"}
