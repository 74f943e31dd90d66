from typing import Annotated, Self

from pydantic import Field, model_validator

from kit.http.models import Model, Out

Address = Annotated[str, Field(max_length=320, description="An e-mail address", examples=["ada@example.com"])]
Phone = Annotated[str, Field(max_length=40, description="A phone number", examples=["+4915123456789"])]
LinkToken = Annotated[str, Field(max_length=256, description="What stands behind #token= in the mail's link")]
RequestToken = Annotated[str, Field(max_length=256, description="What the request was answered with")]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="The six digits of the text message")]


class EmailOrPhone(Model):
    """Somebody's mail address, or phone number: exactly one."""

    email: Address | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.email is None) == (self.phone is None):
            raise ValueError("give either email or phone")
        return self


class Accepted(Out):
    """Nothing more is said: the mail tells the rest."""


class AskedOut(Out):
    """Nothing more is said: the message tells the rest."""

    request_token: str | None = Field(
        None, description="To be kept, and shown with the code of the text message. Null where a link is sent."
    )
