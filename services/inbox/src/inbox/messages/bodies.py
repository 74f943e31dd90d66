"""What may be said besides text, in words of no platform: each platform's folder makes its own of them."""

from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from kit.http.models import Model

Short = Annotated[str, StringConstraints(min_length=1, max_length=20)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(max_length=1000)]
_ROWS: Final = 10


class Location(Model):
    """A place."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    name: Line | None = None
    address: Line | None = None


class CardName(Model):
    """How somebody is called."""

    formatted_name: str = Field(min_length=1, max_length=500)
    first_name: Line | None = None
    last_name: Line | None = None


class CardPhone(Model):
    """A number of theirs."""

    phone: str = Field(min_length=1, max_length=40)
    type: Annotated[str, StringConstraints(max_length=40)] | None = None
    wa_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,20}$")] | None = None


class CardEmail(Model):
    """An address of theirs."""

    email: str = Field(min_length=3, max_length=320)
    type: Annotated[str, StringConstraints(max_length=40)] | None = None


class ContactCard(Model):
    """Somebody as they stand in an address book."""

    name: CardName
    phones: list[CardPhone] = Field(default_factory=list, max_length=20)
    emails: list[CardEmail] = Field(default_factory=list, max_length=20)


class Reaction(Model):
    """A reaction to a message of this conversation; an empty one takes the last one back."""

    message_id: UUID
    emoji: str = Field(max_length=40)


class Button(Model):
    """Something to tap; the answer names its id."""

    id: Id
    title: Short


class Row(Model):
    """Something to choose from a list."""

    id: Id
    title: str = Field(min_length=1, max_length=24)
    description: Annotated[str, StringConstraints(max_length=72)] | None = None


class Section(Model):
    """A part of a list."""

    title: Annotated[str, StringConstraints(max_length=24)] = ""
    rows: list[Row] = Field(min_length=1, max_length=_ROWS)


class Link(Model):
    """A button that opens an address."""

    label: Short
    url: str = Field(pattern=r"^https?://[^\s]{1,2000}$")


class Interactive(Model):
    """A text with up to three buttons, a list of up to ten rows, or one link."""

    type: Literal["buttons", "list", "link"]
    body: str = Field(min_length=1, max_length=1024)
    header: Annotated[str, StringConstraints(max_length=60)] | None = None
    footer: Annotated[str, StringConstraints(max_length=60)] | None = None
    buttons: list[Button] = Field(default_factory=list, max_length=3)
    label: Short | None = Field(None, description="What opens the list.")
    sections: list[Section] = Field(default_factory=list, max_length=_ROWS)
    link: Link | None = None

    @model_validator(mode="after")
    def _one_way_to_answer(self) -> Self:
        given = {"buttons": bool(self.buttons), "list": bool(self.sections), "link": self.link is not None}
        if {name for name, has in given.items() if has} != {self.type}:
            names = {"buttons": "buttons", "list": "sections", "link": "link"}
            raise ValueError(f"an interactive message of type {self.type} has {names[self.type]} and nothing else")
        if self.type == "list" and self.label is None:
            raise ValueError("a list has a label that opens it")
        ids = [each.id for each in self.buttons] + [row.id for each in self.sections for row in each.rows]
        titles = [each.title for each in self.buttons]
        if len(set(ids)) != len(ids) or len(set(titles)) != len(titles):
            raise ValueError("ids and titles of what can be tapped differ from one another")
        if len(ids) > _ROWS:
            raise ValueError(f"a list has at most {_ROWS} rows in all")
        return self


def told(body: Model) -> dict[str, Any]:
    """A body as it is kept, without what was not given."""
    return body.model_dump(mode="json", exclude_none=True)
