"""What may not stand in a log: secrets and personal data, known by their key or by their look."""

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "[redacted]"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SENSITIVE = frozenset(
    (
        *("password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "cookie", "signature"),
        *("email", "phone", "msisdn", "apikey", "credential", "otp", "dsn", "jwt"),
    )
)
_PLURAL = frozenset(f"{word}s" for word in _SENSITIVE)
_PAIRS = frozenset({("api", "key"), ("private", "key"), ("sealing", "key"), ("signing", "key"), ("access", "key")})

_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?")
_SCHEME = re.compile(r"\b(bearer|basic|dpop)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_DSN = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@]*):[^\s/?#]*@")
_DSN_ODD = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://[^\s:@/]*):[^\s@]*@")
_ASSIGNED = re.compile(
    r"(?P<key>\b(?:password|passwd|secret|token|api_?key)\b\"?\s*[=:]\s*)\"?[^\s\"',;&}]+\"?", re.IGNORECASE
)
_EMAIL = re.compile(r"[^\s@<>\"'(),;:=\[\]{}]+@[^\s@<>\"'(),;:=\[\]{}]+\.[^\s@<>\"'(),;:=\[\]{}]+")
# What libraries put into the texts of their errors: the value that was wrong, the row that was in the way.
_INPUT = re.compile(r"input_value=.*?(?=, input_type=|$)", re.DOTALL)
_ROW = re.compile(r"(?P<head>Key \([^)]*\)=\(|Failing row contains \().*?\)(?=[ .]|$)", re.DOTALL)
_DEEPEST = 12


def is_sensitive(key: str) -> bool:
    """Whether a value under this key is masked whatever it is."""
    return _named_sensitive(key, plural=False)


def _named_sensitive(key: str, *, plural: bool) -> bool:
    words = [word.lower() for word in _WORDS.findall(key)]
    if any(word in _SENSITIVE or (plural and word in _PLURAL) for word in words):
        return True
    return any(pair in _PAIRS for pair in itertools.pairwise(words))


def redact_text(text: str) -> str:
    """The text with tokens, passwords in addresses and e-mail addresses masked."""
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    if "@" in text:
        if "://" in text:
            text = _DSN_ODD.sub(rf"\g<head>:{MASK}@", _DSN.sub(rf"\g<head>:{MASK}@", text))
        text = _EMAIL.sub(_mask_address, text)
    if " " in text:
        text = _SCHEME.sub(rf"\1 {MASK}", text)
    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(rf"\g<key>{MASK}", text)
        text = _INPUT.sub(f"input_value={MASK}", text) if "input_value=" in text else text
    if "(" in text:
        text = _ROW.sub(rf"\g<head>{MASK})", text)
    return text


def _mask_address(match: re.Match[str]) -> str:
    """An e-mail address goes; the host of a masked address stays."""
    found = match.group()
    return found if found.startswith(MASK) or found.endswith(MASK) else MASK


def redact(value: object, key: str = "", depth: int = 0) -> object:
    """The value with everything masked that its key or its look gives away; containers are copied."""
    if value is None or isinstance(value, bool):
        return value
    number = isinstance(value, int | float)
    if key and _named_sensitive(key, plural=not number):
        return MASK
    if number:
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redact_inside(value, depth + 1) if depth < _DEEPEST else "..."
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return redact_text(str(value))


def _redact_inside(value: Mapping[Any, object] | Iterable[object], depth: int) -> object:
    if isinstance(value, Mapping):
        return {redact_text(str(name)): redact(item, str(name), depth) for name, item in value.items()}
    return [redact(item, "", depth) for item in value]
