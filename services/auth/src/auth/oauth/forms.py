"""Forms, as programs and browsers send them: each field once, in UTF-8, of bounded length."""

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from auth.oauth.engine import Form

LONGEST_FIELD: Final = 4096
_MOST_FIELDS: Final = 30


class FormMalformed(ValueError):
    """It is no form, or a field stands there twice."""


async def form_of(request: Request) -> Form:
    """The form in the body of a request, with the header in which programs may name themselves.

    Raises:
        FormMalformed: it is none that we read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormMalformed("send application/x-www-form-urlencoded")
    pairs = pairs_of((await request.body()).decode("utf-8", "strict"))
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FormMalformed("a field stands there twice")
    authorizations = request.headers.getlist("authorization")
    if len(authorizations) > 1:
        raise FormMalformed("show one Authorization header")
    return Form(fields, *authorizations)


def pairs_of(text: str) -> list[tuple[str, str]]:
    """The fields of a form or query; one without a value counts as not sent (RFC 6749, section 3.1).

    Raises:
        FormMalformed: they are too many or too long.
    """
    try:
        pairs = parse_qsl(text, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise FormMalformed("the fields cannot be read") from error
    if any(len(name) > LONGEST_FIELD or len(value) > LONGEST_FIELD or "\0" in value for name, value in pairs):
        raise FormMalformed("a field is too long")
    return pairs
