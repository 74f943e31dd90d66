from typing import Annotated

from pydantic import Field

from kit.http.models import Model, Out

CategoryName = Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,39}$", examples=["invitations"])]
UnsubscribeToken = Annotated[
    str, Field(max_length=512, description="What stands behind ?token= in the mail's header")
]


class WishIn(Model):
    """Whether mails of a category are wanted."""

    category: CategoryName
    wanted: bool


class ChangeMailPreferences(Model):
    """The categories to change; those that are not named stay as they are."""

    items: Annotated[list[WishIn], Field(min_length=1, max_length=50)]


class WishOut(Out):
    """Whether mails of a category are wanted; an essential one cannot be refused."""

    category: str
    wanted: bool
    essential: bool


class MailPreferencesOut(Out):
    """All categories of mails."""

    items: list[WishOut]


class UnsubscriptionOut(Out):
    """The category that the mail belongs to, and whether its recipient still gets mails of it."""

    category: str
    wanted: bool
