"""The base of request and response bodies."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]+$"
    ),
]
"""A name or title: one line of 1 to 200 characters, without control characters, trimmed."""


class Model(BaseModel):
    """A request body: unknown members are refused, and no text is longer than 4,096 characters unless it says so."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=4096)


class Out(BaseModel):
    """A response body, made from values or from an object with the same attributes."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
