from datetime import datetime
from typing import Annotated, Any, Final, cast
from uuid import UUID

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from inbox.attributes.model import LONGEST_LINK, AppliesTo, Type, Way
from kit.http.models import Line, Model, Out

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["order_number"])]

MOST_SOUGHT: Final = 5
"""By how many values a list is asked for at once."""

SoughtValue = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}:(is|from|to):[^\x00]+$", max_length=LONGEST_LINK + 80)
]


Given = StrictBool | StrictInt | StrictFloat | StrictStr | list[StrictStr]


class MakeAttribute(Model):
    """Define an attribute; key, type and whether it is personal stay for ever."""

    applies_to: AppliesTo = "conversation"
    key: Key
    name: Line
    type: Type
    choices: list[Line] = Field(default_factory=list, max_length=100, description="Of `list` and `several`.")
    personal: bool = Field(False, description="Whether values are about the contact: then they are sealed.")


class ChangeAttribute(Model):
    """Give an attribute another name, a list other choices; values that were chosen before stay."""

    name: Line | None = None
    choices: list[Line] | None = Field(None, max_length=100)


class SetAttributes(Model):
    """Set values by key; null takes one away, what is left out stays."""

    values: dict[Key, Given | None] = Field(min_length=1, max_length=100)


class AttributeOut(Out):
    """An attribute that the organization has defined."""

    id: UUID
    applies_to: str
    key: str
    name: str
    type: str
    choices: list[str]
    personal: bool
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")


class AttributesOut(Out):
    """All attributes of the organization, by key."""

    items: list[AttributeOut]


class ValuesOut(Out):
    """The values of one conversation, by key."""

    values: dict[str, Any]


def sought_in(told: str) -> tuple[str, Way, str]:
    """Key, way and value of what a list is asked for."""
    key, way, value = told.split(":", 2)
    return key, cast(Way, way), value
