"""Fault rules as they are written to the control API."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

LONGEST_DELAY = 300.0
Seconds = Annotated[float, Field(gt=0, le=LONGEST_DELAY, allow_inf_nan=False)]
Status = Annotated[int, Field(ge=400, le=599)]
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,2000}")
_FRAMING = {"content-length", "transfer-encoding", "connection"}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happens at a member and may meet a fault."""

    method: str = ""
    path: str = ""
    recipients: tuple[str, ...] = ()
    topic: str = ""
    only_by_method: bool = False
    """True where a rule must name the method to be meant: the steps before the one that has the effect."""


class Match(BaseModel):
    """Which occurrences a rule means: all that fulfil every condition given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Annotated[str, Field(pattern=r"^[A-Za-z]{1,16}$")] | None = None
    """HTTP method, or SMTP command: RCPT or DATA (DATA when not given)."""
    path: Annotated[str, Field(pattern=r"^/", max_length=2000)] | None = None
    """The beginning of the path."""
    recipient: Annotated[str, Field(min_length=1, max_length=320)] | None = None
    """A mail address, or "@domain" for all of its addresses."""
    topic: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The beginning of the type of a webhook."""

    def fits(self, seen: Occurrence) -> bool:
        """Whether the rule means this occurrence."""
        return (
            self._fits_method(seen)
            and (self.path is None or seen.path.startswith(self.path))
            and (self.topic is None or seen.topic.startswith(self.topic))
            and (self.recipient is None or any(self._is_recipient(one) for one in seen.recipients))
        )

    def _fits_method(self, seen: Occurrence) -> bool:
        if self.method is None:
            return not seen.only_by_method
        return self.method.upper() == seen.method.upper()

    def _is_recipient(self, address: str) -> bool:
        wanted = (self.recipient or "").lower()
        return address.lower().endswith(wanted) if wanted.startswith("@") else address.lower() == wanted


class Rule(BaseModel):
    """What all rules share: whom they mean and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Match = Match()
    times: Annotated[int, Field(ge=1)] | None = None
    """How many occurrences it strikes; null is always."""
    probability: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    seed: int | None = None
    """Makes what is drawn by chance repeatable."""


class Answer(Rule):
    """What is said instead of the true answer: status, headers and body over HTTP, code and text over SMTP."""

    status: Status = 503
    headers: Annotated[dict[str, str], Field(max_length=50)] = {}
    body: JsonValue = None
    code: Status = 451
    text: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,400}$")] = "4.3.0 Try again later"

    @field_validator("body")
    @classmethod
    def _is_json(cls, body: JsonValue) -> JsonValue:
        try:
            orjson.dumps(body)
        except TypeError as trouble:
            raise ValueError(f"the body cannot be written as JSON: {trouble}") from trouble
        return body

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"the header {name!r} cannot be sent as it is")
            if name.lower() in _FRAMING:
                raise ValueError(f"the header {name!r} is set by the server itself")
        return headers


class Delay(Rule):
    """Waits before anything happens."""

    kind: Literal["delay"]
    seconds: Seconds


class RefuseBeforeEffect(Answer):
    """Says no, and nothing has happened."""

    kind: Literal["refuse_before_effect"]


class DropAfterEffect(Rule):
    """It happens, and the connection is cut without an answer."""

    kind: Literal["drop_after_effect"]


class ErrorAfterEffect(Answer):
    """It happens, and an error is answered all the same."""

    kind: Literal["error_after_effect"]


class VisibleAfter(Rule):
    """What is accepted can be read only after a while."""

    kind: Literal["visible_after"]
    seconds: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class WebhookDelay(Rule):
    """A webhook leaves later; those after it may overtake it."""

    kind: Literal["webhook_delay"]
    seconds: Seconds


class WebhookDuplicate(Rule):
    """A webhook is delivered again, so many times more."""

    kind: Literal["webhook_duplicate"]
    copies: Annotated[int, Field(ge=1, le=100)] = 1


class WebhookReorder(Rule):
    """Webhooks are held until the window is full or the time is over, and leave in another order."""

    kind: Literal["webhook_reorder"]
    window: Annotated[int, Field(ge=2, le=1000)] = 10
    seconds: Seconds = 1.0


class WebhookLose(Rule):
    """A webhook is never sent."""

    kind: Literal["webhook_lose"]


AnyRule = Annotated[
    Delay
    | RefuseBeforeEffect
    | DropAfterEffect
    | ErrorAfterEffect
    | VisibleAfter
    | WebhookDelay
    | WebhookDuplicate
    | WebhookReorder
    | WebhookLose,
    Field(discriminator="kind"),
]
Rules = Annotated[list[AnyRule], Field(max_length=100)]
