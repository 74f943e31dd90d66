"""JSON that strangers sent: read without trust, and without a model where the speed counts."""

from typing import TypeAlias

import orjson

Object: TypeAlias = dict[str, object]

DEEPEST = 200
LEVELS_AROUND = 20


def read_object(body: bytes) -> Object | None:
    """The JSON object of a body; None where it is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    suspicious = body.count(b"[") + body.count(b"{") > DEEPEST
    return None if suspicious and not is_writable(document) else document


def is_writable(document: object) -> bool:
    """Whether the document can be written, also inside others: not too deep, and all its text valid Unicode."""
    for _ in range(LEVELS_AROUND):
        document = [document]
    try:
        orjson.dumps(document)
    except TypeError:
        return False
    return True


def text_at(document: Object, *path: str) -> str:
    """The text at a place of a document; empty where there is none."""
    found = value_at(document, *path)
    return found if isinstance(found, str) else ""


def object_at(document: Object, *path: str) -> Object:
    """The object at a place of a document; an empty one where there is none."""
    found = value_at(document, *path)
    return found if isinstance(found, dict) else {}


def list_at(document: Object, *path: str) -> list[object]:
    """The list at a place of a document; an empty one where there is none."""
    found = value_at(document, *path)
    return found if isinstance(found, list) else []


def value_at(document: Object, *path: str) -> object:
    """Whatever stands at a place of a document."""
    found: object = document
    for step in path:
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found


def write(document: object) -> bytes:
    """The document as bytes; text that is no valid Unicode was refused when it was read."""
    return orjson.dumps(document)
