from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

from inbox.sites.model import Site, distinct, normal_origin
from kit.http.models import Line, Model, Out

MOST_FIELDS: Final = 10


def _origin(text: str) -> str:
    if not (normal := normal_origin(text)):
        raise ValueError("an origin looks like https://shop.example.com, without a path")
    return normal


def _mail(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as wrong:
        raise ValueError(f"this is no address: {wrong}") from wrong


Origin = Annotated[str, Field(max_length=255), AfterValidator(_origin)]
MailAddress = Annotated[str, Field(min_length=3, max_length=320), AfterValidator(_mail)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\\\"'<>]{1,2000}$")]


class AskedField(Model):
    """Something that visitors are asked before they write."""

    name: FieldName
    label: Line
    type: Literal["text", "email", "tel"] = "text"
    required: bool = False


class ChatLook(Model):
    """How a web chat looks, and what it asks."""

    title: Annotated[str, StringConstraints(max_length=60)] = "Chat with us"
    greeting: Annotated[str, StringConstraints(max_length=500)] = ""
    colour: Colour = Field("#1f4fd8", description="Of the button and the head of the window.")
    text_colour: Colour = "#ffffff"
    side: Literal["left", "right"] = "right"
    fields: list[AskedField] = Field(default_factory=list, max_length=MOST_FIELDS)
    proof: Literal["optional", "required"] = Field(
        "optional", description="`required`: only visitors whom your own pages have proven may write."
    )


class FormRules(Model):
    """How a contact form takes messages, and whether they are answered."""

    reply_to: MailAddress | None = Field(
        None,
        description="Replies leave as mail to the address in the form, and answers to these come here. Without it "
        "nothing that comes through the form can be answered from the inbox.",
    )
    redirect_to: Address | None = Field(
        None, description="Where a browser goes after an HTML form; a page of an allowed origin."
    )
    blocked_words: list[Annotated[str, StringConstraints(min_length=2, max_length=60)]] = Field(
        default_factory=list, max_length=100, description="Whoever writes one of them is held back as spam."
    )
    hold_at: int = Field(4, ge=1, le=100, description="Points of suspicion from which a message is held back.")


class AddWebChat(Model):
    """Make a web chat for an organization's pages."""

    kind: Literal["web_chat"]
    name: Line
    allowed_origins: list[Origin] = Field(min_length=1, max_length=50)
    look: ChatLook = Field(default_factory=lambda: ChatLook.model_validate({}))

    def options(self) -> dict[str, Any]:
        """What is kept of it."""
        return self.look.model_dump(mode="json")


class AddContactForm(Model):
    """Make a contact form for an organization's pages."""

    kind: Literal["contact_form"]
    name: Line
    allowed_origins: list[Origin] = Field(min_length=1, max_length=50)
    rules: FormRules = Field(default_factory=lambda: FormRules.model_validate({}))

    def options(self) -> dict[str, Any]:
        """What is kept of it."""
        return self.rules.model_dump(mode="json")


AddSite = Annotated[AddWebChat | AddContactForm, Field(discriminator="kind")]


class ChangeSite(Model):
    """Change a channel on pages; what is left out stays. `look` is for a web chat, `rules` for a contact form."""

    name: Line | None = None
    allowed_origins: Annotated[list[Origin], Field(min_length=1, max_length=50)] | None = None
    look: ChatLook | None = None
    rules: FormRules | None = None


class SiteOut(Out):
    """A channel on an organization's own pages."""

    channel_id: UUID
    kind: str
    key: str = Field(description="Stands open in the pages; names the channel and opens nothing else.")
    name: str
    allowed_origins: list[str]
    look: ChatLook | None
    rules: FormRules | None
    connected: bool
    snippet: str = Field(description="What to put into a page.")
    former_secret_until: datetime | None = Field(description="Until then the secret before is good, too.")
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, site: Site, snippet: str) -> Self:
        """It as shown; secrets are not."""
        chat = site.kind == "web_chat"
        return cls(
            channel_id=site.channel_id,
            kind=site.kind,
            key=site.key,
            name=site.name,
            allowed_origins=list(site.allowed_origins),
            look=ChatLook.model_validate(site.options) if chat else None,
            rules=None if chat else FormRules.model_validate(site.options),
            connected=site.connected,
            snippet=snippet,
            former_secret_until=site.former_until,
            created_at=site.created_at,
            version=site.version,
        )


class NewSiteOut(SiteOut):
    """The same right after it was made, with its secret, which is not shown again."""

    secret: str | None = Field(
        description="Your server proves visitors with it: HMAC-SHA256 of their id with you, in hexadecimal digits. "
        "Null for contact forms, and when the same request was sent again."
    )


class SecretOut(Out):
    """Another secret, which is not shown again."""

    secret: str
    former_secret_until: datetime = Field(description="Until then the secret before is good, too.")


def origins(given: list[str]) -> tuple[str, ...]:
    """Each origin once."""
    return distinct(given)
