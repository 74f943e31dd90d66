"""A channel on an organization's own pages: who may use it, how it looks, by what its visitors are proven."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

SiteKind = Literal["web_chat", "contact_form"]

OVERLAP: Final = timedelta(hours=24)
"""How long the secret before a rotation is still good, so that pages in the wild can change over."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PORTS: Final = {"https": 443, "http": 80}
_PREFIX: Final = {"web_chat": "wc_", "contact_form": "cf_"}


@dataclass(frozen=True, slots=True)
class Secrets:
    """By what a visitor's proof is checked: the present secret and, for a while, the one before."""

    present: bytes = field(repr=False)
    former: bytes | None = field(default=None, repr=False)

    @property
    def good(self) -> tuple[bytes, ...]:
        """Those that are good now."""
        return (self.present,) if self.former is None else (self.present, self.former)


@dataclass(frozen=True, slots=True)
class Site:
    """One channel on pages. `key` stands open in these pages: it names the channel and opens nothing else."""

    channel_id: UUID
    kind: SiteKind
    key: str
    name: str
    allowed_origins: tuple[str, ...]
    options: dict[str, Any]
    connected: bool
    former_until: datetime | None
    version: int
    created_at: datetime

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may use it."""
        return bool(origin) and normal_origin(origin) in self.allowed_origins

    def leads_to(self, address: str) -> bool:
        """Whether somebody may be sent on to this address: a page of an allowed origin, and nowhere else."""
        return leads_to(self.allowed_origins, address)


def new_key(kind: SiteKind) -> str:
    """A public key that nobody guesses."""
    return _PREFIX[kind] + secrets.token_hex(12)


def new_secret() -> str:
    """A secret for proofs, as it is shown once."""
    return "rsk_" + secrets.token_urlsafe(32)


def normal_origin(text: str) -> str:
    """The one spelling of an origin; empty for what is none that may be allowed.

    Plain http is taken from this machine only, where pages are tried out.
    """
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not host or parts.username or parts.password or "@" in parts.netloc:
        return ""
    if parts.path not in ("", "/") or parts.query or parts.fragment or not _plain(host):
        return ""
    shown = f"[{host}]" if ":" in host else host
    if parts.scheme == "http" and shown not in _LOOPBACK:
        return ""
    return f"{parts.scheme}://{shown}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")


def origin_of(address: str) -> str:
    """The origin of an absolute address; empty where browsers and we might read it differently."""
    if not address.isascii() or not address.isprintable() or any(each in address for each in "\\ \"'<>"):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def leads_to(allowed: Collection[str], address: str) -> bool:
    """Whether this is the address of a page of one of these origins."""
    return normal_origin(origin_of(address)) in frozenset(allowed) - {""}


def distinct(origins: Collection[str]) -> tuple[str, ...]:
    """Origins in their normal spelling, each once, in their order."""
    return tuple(dict.fromkeys(map(normal_origin, origins)))


def _plain(host: str) -> bool:
    return host.isascii() and all(each.isalnum() or each in "-.:" for each in host)
