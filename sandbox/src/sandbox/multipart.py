"""Forms with files (multipart/form-data), as clients send them."""

import re
from dataclasses import dataclass
from email.message import Message

_BOUNDARY = re.compile(r'boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form."""

    content: bytes
    content_type: str
    filename: str | None

    @property
    def text(self) -> str:
        """The field as text."""
        return self.content.decode("utf-8", "replace")


def read_form(content_type: str, body: bytes) -> dict[str, Part]:
    """The fields of a form by name; none where the body is no such form."""
    found = _BOUNDARY.search(content_type)
    if found is None or not content_type.lower().startswith("multipart/form-data"):
        return {}
    fields: dict[str, Part] = {}
    for section in (b"\r\n" + body).split(b"\r\n--" + found[1].strip().encode())[1:]:
        head, separator, content = section.partition(b"\r\n\r\n")
        name, part = _part(head.decode("utf-8", "replace"), content)
        if separator and name:
            fields[name] = part
    return fields


def _part(head: str, content: bytes) -> tuple[str, Part]:
    headers = Message()
    for line in head.strip().split("\r\n"):
        field, _, value = line.partition(":")
        if field.strip():
            headers[field.strip()] = value.strip()
    name = headers.get_param("name", header="content-disposition")
    part = Part(content, headers.get("content-type", "text/plain"), headers.get_filename())
    return str(name or ""), part
