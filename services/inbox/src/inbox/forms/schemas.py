from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from inbox.forms.model import Submission, normal_phone
from inbox.forms.repository import HeldSubmission
from inbox.sites.schemas import MailAddress
from kit.http.models import Out

TRAP: Final = "website"
"""A field that people do not see and programs fill in."""


def _line(text: str) -> str:
    """One line: whatever breaks lines becomes a space."""
    return " ".join(text.split())


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("this holds a character that is not allowed")
    return text


Line = Annotated[str, Field(max_length=200), AfterValidator(_no_nul), AfterValidator(_line)]
Words = Annotated[str, AfterValidator(_no_nul), StringConstraints(strip_whitespace=True, max_length=10_000)]
FieldLabel = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,60}$")]
Value = Annotated[str, Field(max_length=2000), AfterValidator(_no_nul)]


class SubmitForm(BaseModel):
    """A message through a contact form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    message: Words = Field(min_length=1)
    name: Line = ""
    email: MailAddress | None = None
    phone: Annotated[Line, Field(max_length=40), AfterValidator(normal_phone)] = ""
    subject: Line = ""
    fields: Annotated[dict[FieldLabel, Value], Field(max_length=30)] = Field(
        default_factory=dict, description="What else the page asks."
    )
    id: UUID | None = Field(None, description="An id of your own: sent twice it is one message.")
    stamp: Annotated[str, Field(max_length=100)] = Field("", description="From `GET /v1/forms/{key}`.")
    website: Annotated[str, Field(max_length=2000)] = Field(
        "", description="Leave it empty, and hide it from people."
    )
    redirect: Annotated[str, Field(max_length=2000)] = Field(
        "", description="Where the browser goes afterwards; a page of an allowed origin."
    )

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if self.email is None and not self.phone.startswith("+"):
            raise ValueError("give an e-mail address, or a phone number with its country code")
        return self

    def submission(self, key: str) -> Submission:
        """It as a value."""
        return Submission(key, self.message, self.name, self.email or "", self.phone, self.subject, dict(self.fields))


class SubmittedOut(Out):
    """The message was received."""

    id: UUID = Field(description="The same for the same message sent twice.")


class FormOut(Out):
    """What a page should know of a form before it shows it."""

    stamp: str = Field(description="Send it back with the form: it tells that somebody took the time to write.")
    trap: str = Field(description="The name of a field that is to stay empty; hide it from people.")
    expires_in: int = Field(description="Seconds for which the stamp is good.")


class HeldOut(Out):
    """A message through a form that was held back, because it looks like spam."""

    id: UUID
    channel_id: UUID
    state: Literal["held", "released", "discarded"]
    score: int
    reasons: list[str] = Field(description="What looks like spam, such as `hidden-field`, `links`, `stamp-too-fast`.")
    message: str | None
    name: str | None
    email: str | None
    subject: str | None
    created_at: datetime

    @classmethod
    def of(cls, held: HeldSubmission, said: Submission | None) -> Self:
        """It as shown; without its words where they can be read no more."""
        return cls(
            id=held.id,
            channel_id=held.channel_id,
            state=held.state,
            score=held.score,
            reasons=list(held.reasons),
            message=None if said is None else said.message,
            name=None if said is None else said.name,
            email=None if said is None else said.email,
            subject=None if said is None else said.subject,
            created_at=held.created_at,
        )
