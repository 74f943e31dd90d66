import re
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from sandbox.json import Object, read_object, text_at
from sandbox.ring import Ring
from sandbox.telnyx import errors

KEPT: Final = 20_000
LONGEST: Final = 10 * 153
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER: Final = re.compile(r"[A-Za-z0-9 ]{1,11}")

Status = Literal[
    "queued", "sending", "sent", "delivered", "sending_failed", "delivery_failed", "delivery_unconfirmed"
]


class Account(BaseModel):
    """How Telnyx treats the one account there is."""

    model_config = ConfigDict(extra="forbid")

    key: str = "sandbox-telnyx-key"
    numbers: list[str] = ["+15005550001"]
    """The numbers it may send from; a name of letters it may, too."""
    per_second: Annotated[int, Field(ge=1)] = 50
    status: Status = "delivered"
    """What becomes of its messages."""
    unreachable: list[str] = []
    """Numbers to which delivery fails, after the message was taken."""
    stopped: list[str] = []
    """Numbers that have answered STOP."""


@dataclass(frozen=True, slots=True)
class Text:
    """A message that was taken."""

    id: str
    sender: str
    to: str
    text: str
    tags: list[str]
    status: Status
    received_at: datetime
    media: list[str] = field(default_factory=list)

    def payload(self) -> Object:
        """As Telnyx shows it."""
        return {
            "record_type": "message",
            "direction": "outbound",
            "id": self.id,
            "type": "MMS" if self.media else "SMS",
            "from": {"phone_number": self.sender, "carrier": "TELNYX LLC", "line_type": "VoIP"},
            "to": [{"phone_number": self.to, "status": self.status, "carrier": "", "line_type": "Wireless"}],
            "cc": [],
            "text": self.text,
            "media": [{"url": url, "content_type": None, "size": None, "sha256": None} for url in self.media],
            "tags": self.tags,
            "errors": [],
            "encoding": "GSM-7" if self.text.isascii() else "UCS-2",
            "parts": _parts(self.text),
            "received_at": self.received_at.isoformat(),
            "sent_at": None,
            "completed_at": None,
            "cost": None,
            "valid_until": None,
        }


@dataclass
class Messages:
    """Takes messages as Telnyx does, and keeps them for whoever watches."""

    account: Account = field(default_factory=Account)
    taken: Ring[Text] = field(default_factory=lambda: Ring(most=KEPT))
    _lately: deque[float] = field(default_factory=deque)

    def begin(self) -> None:
        """As at the start."""
        self.account = Account()
        self.taken.clear()
        self._lately.clear()

    def enter(self, authorization: str) -> None:
        """Let in who has the key, and not too often."""
        if authorization != f"Bearer {self.account.key}":
            raise errors.not_authenticated()
        now = time.monotonic()
        while self._lately and self._lately[0] <= now - 1.0:
            self._lately.popleft()
        if len(self._lately) >= self.account.per_second:
            raise errors.too_many()
        self._lately.append(now)

    def send(self, body: bytes, visible_after: float = 0.0) -> Text:
        """Take a message, or say why not."""
        asked = read_object(body)
        if asked is None:
            raise errors.Refusal(400, "10007", "Unexpected error", "The request body could not be read as JSON.")
        to, sender, text = text_at(asked, "to"), text_at(asked, "from"), text_at(asked, "text")
        if not to:
            raise errors.missing("to")
        if not sender:
            raise errors.missing("from")
        media = _texts(asked, "media_urls")
        if not text and not media:
            raise errors.missing("text")
        if not _E164.fullmatch(to):
            raise errors.invalid_to(to)
        if sender not in self.account.numbers and not (_SENDER.fullmatch(sender) and not sender.isdigit()):
            raise errors.invalid_from()
        if len(text) > LONGEST:
            raise errors.invalid("text", "The message is too large: it would take more than 10 parts.")
        if to in self.account.stopped:
            raise errors.blocked()
        found: Status = "delivery_failed" if to in self.account.unreachable else self.account.status
        made = Text(str(uuid4()), sender, to, text, _texts(asked, "tags"), found, datetime.now(UTC), media)
        self.taken.add(made, visible_after=visible_after)
        return made


def _texts(asked: Object, name: str) -> list[str]:
    found = asked.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


class SaidIn(BaseModel):
    """Somebody writes to a number of the account."""

    sender: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
    to: str = "+15005550001"
    text: Annotated[str, Field(max_length=10_000)] = ""
    media: list[dict[str, JsonValue]] = []
    id: str = ""

    def payload(self) -> Object:
        """As the webhook tells it."""
        return {
            "record_type": "message",
            "direction": "inbound",
            "id": self.id or str(uuid4()),
            "type": "MMS" if self.media else "SMS",
            "from": {"phone_number": self.sender, "carrier": "", "line_type": "Wireless"},
            "to": [{"phone_number": self.to, "carrier": "TELNYX LLC", "line_type": "VoIP", "status": "delivered"}],
            "cc": [],
            "text": self.text,
            "media": list(self.media),
            "tags": [],
            "errors": [],
            "encoding": "GSM-7" if self.text.isascii() else "UCS-2",
            "parts": _parts(self.text),
            "received_at": datetime.now(UTC).isoformat(),
            "sent_at": None,
            "completed_at": None,
            "cost": None,
            "valid_until": None,
        }


def _parts(text: str) -> int:
    alone, each = (160, 153) if text.isascii() else (70, 67)
    return 1 if len(text) <= alone else -(-len(text) // each)
