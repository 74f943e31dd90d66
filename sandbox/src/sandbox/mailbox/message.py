"""Turning the bytes of a mail, however malformed, into something a test can read."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message as Parsed
from email.parser import BytesParser
from email.policy import Compat32
from html import unescape
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from sandbox.received import readable

log = logging.getLogger(__name__)

MOST_BOUNDARIES = 50
MOST_PARTS = 2_000
"""A mail with more parts, or more nested ones, is kept unread: reading it would cost too much time."""

LONGEST_HEAD = 128 * 1024
LONGEST_HEADER = 32 * 1024
"""What is longer is cut: the time to read a header's parameters grows with the square of their number."""

MOST_LINKS = 100
_LINK = re.compile(r"https?://[^\s<>\"'\\\x00-\x1f]{1,4000}", re.IGNORECASE)


class _Bounded(Compat32):
    """Reads headers as they are, the beginning of long ones."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:LONGEST_HEADER]


_PARSER = BytesParser(policy=_Bounded())


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the SMTP client said before the message."""

    sender: str
    recipients: tuple[str, ...]


class Attachment(BaseModel):
    """A part that is neither the text nor the HTML."""

    filename: str | None
    content_type: str
    size: int


class Message(BaseModel):
    """One accepted mail; `from` and `to` are the envelope's, `headers` pairs of name and value as sent."""

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(default_factory=lambda: uuid4().hex)
    sender: str = Field(serialization_alias="from")
    to: list[str]
    subject: str | None
    text: str | None
    html: str | None
    links: list[str]
    headers: list[tuple[str, str]]
    attachments: list[Attachment]
    message_id: str | None
    received_at: datetime
    size: int
    defects: list[str]


@dataclass(slots=True)
class _Content:
    """What was found in the parts."""

    text: str | None = None
    html: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


def parse(raw: bytes, envelope: Envelope) -> Message:
    """Read a mail as well as it can be read; what cannot be is named in `defects`, never refused."""
    head, content = _read(raw)
    headers = [(readable(name), _header(value)) for name, value in (head.items() if head else [])]
    first = {name.lower(): value for name, value in reversed(headers)}
    return Message(
        sender=readable(envelope.sender),
        to=[readable(recipient) for recipient in envelope.recipients],
        subject=first.get("subject"),
        text=content.text,
        html=content.html,
        links=links(content.text, content.html),
        headers=headers,
        attachments=content.attachments,
        message_id=first.get("message-id"),
        received_at=datetime.now(UTC),
        size=len(raw),
        defects=content.defects,
    )


def links(text: str | None, html: str | None) -> list[str]:
    """Every http(s) address in the text and then in the HTML, once each, without the sentence's punctuation."""
    found = [*_LINK.findall(text or ""), *(unescape(link) for link in _LINK.findall(html or ""))]
    return list(dict.fromkeys(link.rstrip(".,;:!?)]}") for link in found))[:MOST_LINKS]


def _read(raw: bytes) -> tuple[Parsed | None, _Content]:
    head, ended, body = raw.partition(b"\r\n\r\n")
    defects = ["headers too long"] if len(head) > LONGEST_HEAD else []
    head = head[:LONGEST_HEAD]
    if raw.lower().count(b"boundary=") > MOST_BOUNDARIES or raw.count(b"\n--") > MOST_PARTS:
        return _PARSER.parsebytes(head, headersonly=True), _Content(defects=[*defects, "too many parts"])
    try:
        parsed = _PARSER.parsebytes(head + ended + body)
        content = _content(parsed)
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError) as trouble:
        log.warning("a mail could not be read", exc_info=trouble)
        return None, _Content(defects=[f"{type(trouble).__name__}: {readable(str(trouble))}"[:200]])
    content.defects[:0] = defects
    return parsed, content


def _content(parsed: Parsed) -> _Content:
    content = _Content()
    for part in _leaves(parsed):
        content.defects += [type(defect).__name__ for defect in part.defects]
        kind = part.get_content_type()
        attached = part.get_content_disposition() == "attachment"
        if kind == "text/plain" and content.text is None and not attached:
            content.text = _text(part)
        elif kind == "text/html" and content.html is None and not attached:
            content.html = _text(part)
        else:
            filename = part.get_filename()
            size = len(_bytes(part))
            name = readable(str(filename)) if filename else None
            content.attachments.append(Attachment(filename=name, content_type=readable(kind), size=size))
    return content


def _leaves(parsed: Parsed) -> Iterator[Parsed]:
    return (part for part in parsed.walk() if not part.is_multipart())


def _bytes(part: Parsed) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: Parsed) -> str:
    payload = _bytes(part)
    charset = part.get_content_charset() or "utf-8"
    try:
        return readable(payload.decode(charset, "replace")).replace("\r\n", "\n")
    except (LookupError, ValueError):
        return payload.decode("utf-8", "replace").replace("\r\n", "\n")


def _header(value: object) -> str:
    """A header as a person reads it: encoded words decoded where they can be."""
    try:
        pieces = decode_header(str(value))
        return readable("".join(_decoded(piece, charset) for piece, charset in pieces))
    except (MessageError, LookupError, ValueError):
        return readable(str(value))


def _decoded(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    return piece.decode("utf-8" if charset in {None, "unknown-8bit"} else str(charset), "replace")
