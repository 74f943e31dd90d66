"""A form's body, as JSON or as browsers send it, in one model."""

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from pydantic import ValidationError

from inbox.forms.errors import FormNotTaken
from inbox.forms.schemas import SubmitForm
from kit.errors import FieldError, Invalid

_URLENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_MOST_PARTS: Final = 60
_OWN: Final = frozenset(SubmitForm.model_fields) - {"fields"}


def read(kind: str, body: bytes) -> SubmitForm:
    """The form in this body; fields of the page's own stand in `fields`.

    Raises:
        FormNotTaken: it is none of the kinds that are taken.
        Invalid: what it says cannot be taken; each field is named.
    """
    media_type = kind.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return _checked(_json(body))
    if media_type == _URLENCODED:
        return _checked(_sorted(_urlencoded(body)))
    if media_type == _MULTIPART:
        return _checked(_sorted(_multipart(kind, body)))
    raise FormNotTaken


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Invalid(errors=[FieldError("#", "This is not JSON.")]) from None


def _checked(told: Any) -> SubmitForm:
    try:
        return SubmitForm.model_validate(told)
    except ValidationError as wrong:
        errors = [
            FieldError("#/" + "/".join(str(step)[:60] for step in each["loc"]), _said(each))
            for each in wrong.errors()
        ]
        raise Invalid(errors=errors[:20]) from None


def _said(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


def _sorted(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """What a page sends: names that we know, and fields of its own; an empty one was not filled in."""
    if len({name for name, _ in pairs}) < len(pairs):
        pairs = list({name: ", ".join(v for n, v in pairs if n == name) for name, _ in pairs}.items())
    own = {name: value for name, value in pairs if name in _OWN and value}
    others = {name: value for name, value in pairs if name not in _OWN and value}
    return {**own, "fields": others}


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        text = body.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARTS)
    except ValueError:
        raise Invalid(errors=[FieldError("#", "This is no form of at most 60 fields in UTF-8.")]) from None


def _multipart(kind: str, body: bytes) -> list[tuple[str, str]]:
    if "\r" in kind or "\n" in kind or body.count(b"Content-Disposition") > _MOST_PARTS:
        raise Invalid(errors=[FieldError("#", "This is no form of at most 60 fields.")])
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body)
    if not whole.is_multipart():
        raise Invalid(errors=[FieldError("#", "This is no form in parts.")])
    pairs = []
    for each in whole.iter_parts():
        name = each.get_param("name", header="content-disposition")
        if each.get_filename() is not None:
            raise Invalid(errors=[FieldError("#", "A form takes no files.")])
        content = each.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise Invalid(errors=[FieldError("#", "A part of this form has no name.")])
        try:
            pairs.append((name, content.decode("utf-8")))
        except UnicodeDecodeError:
            raise Invalid(errors=[FieldError("#", "This form is not in UTF-8.")]) from None
    return pairs
