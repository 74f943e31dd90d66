"""Meta's webhooks: what people did to what pages, professional accounts and profiles have published.

One address is told of all three; the object in the payload says of which platform it is. Each is signed by the secret
of the application that it is about (X-Hub-Signature-256 over the raw bytes).
"""

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import orjson

from kit.db.database import Transaction
from kit.intake.model import Item, Received, Unreadable, Verdict
from kit.intake.signatures import hmac_sha256_hex
from postrules.limits import Platform
from publisher.engagements.counting import Counting

LONGEST: Final = 200
_OBJECTS: Final = {"page": Platform.FACEBOOK, "instagram": Platform.INSTAGRAM}
_DONE: Final = {
    ("comment", "add"): "COMMENT",
    ("comment", "remove"): "COMMENT_DELETE",
    ("reaction", "add"): "LIKE",
    ("like", "add"): "LIKE",
    ("share", "add"): "SHARE",
}


@dataclass(frozen=True, slots=True)
class MetaSource:
    """The source `meta`; without the secret of an application nothing of it is genuine."""

    secrets: Sequence[str] = field(repr=False)
    verify_token: str = field(repr=False)
    counting: Mapping[Platform, Counting]

    name: str = "meta"
    body_limit: int = 4 * 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The challenge again, for who knows the verify token."""
        given = query.get("hub.verify_token", "").encode(errors="surrogatepass")
        known = bool(self.verify_token) and hmac.compare_digest(given, self.verify_token.encode())
        if not known or query.get("hub.mode") != "subscribe":
            return None
        return query.get("hub.challenge", "")[:1024]

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of our applications' secrets signed exactly these bytes."""
        header = headers.get("x-hub-signature-256")
        fits = [hmac_sha256_hex(secret, body, header, prefix="sha256=") for secret in self.secrets]
        return any(fits)

    def split(self, body: bytes) -> Sequence[Item]:
        """Each change; what else Meta may send one day is one item of its own kind.

        Raises:
            Unreadable: it is no JSON object.
        """
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Unreadable("It is not JSON.") from error
        if not isinstance(payload, dict):
            raise Unreadable("It is not a JSON object.")
        items = list(_changes(payload))
        return items or [Item(hashlib.sha256(body).hexdigest(), "unknown", "", "unknown", body)]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Who published the post, else who connected the account first."""
        found: dict[str, UUID] = {}
        for platform, counting in self.counting.items():
            mine = {each.partition("/")[2]: each for each in tenants if each.partition("/")[0] == platform}
            owners = await counting.organizations(tx, mine) if mine else {}
            found |= {mine[tenant]: owner for tenant, owner in owners.items()}
        return found

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Count what was done to posts of ours."""
        verdicts: list[Verdict] = []
        for name, run in groupby(items, key=lambda each: each.item.tenant.partition("/")[0]):
            verdicts += await self.counting[Platform(name)].apply(tx, list(run))
        return verdicts


@dataclass(frozen=True, slots=True)
class _About:
    """Which post of which account a change is about, and when it was told."""

    platform: Platform
    account: str
    post: str
    at: object

    def item(self, kind: str, value: dict[str, Any]) -> Item:
        """One change. Meta numbers none, so the same bytes at the same time are the same change."""
        content = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        told = hashlib.sha256(f"{self.platform}/{self.account}/{self.at}/".encode() + content).hexdigest()
        at = self.at if isinstance(self.at, int) and 0 < self.at < 10**11 else None
        return Item(
            id=told,
            key=f"{self.platform}/{self.post or self.account}",
            tenant=f"{self.platform}/{self.account} {self.post}",
            kind=kind,
            content=content,
            occurred_at=None if at is None else datetime.fromtimestamp(at, UTC),
        )


def _changes(payload: dict[str, Any]) -> Iterator[Item]:
    platform = _OBJECTS.get(_text(payload.get("object")))
    if platform is None:
        yield from _of_threads(payload)
        return
    for entry in _objects(payload.get("entry")):
        for change in _objects(entry.get("changes")):
            value = change.get("value")
            if isinstance(value, dict):
                yield _of_entry(platform, entry, _text(change.get("field")), value)


def _of_entry(platform: Platform, entry: dict[str, Any], what: str, value: dict[str, Any]) -> Item:
    account, at = _text(entry.get("id")), entry.get("time")
    if platform is Platform.INSTAGRAM:
        media = value.get("media")
        post = _text(media.get("id")) if isinstance(media, dict) else ""
        return _About(platform, account, post, at).item("COMMENT" if what == "comments" else "unknown", value)
    kind = _DONE.get((_text(value.get("item")), _text(value.get("verb"))), "unknown") if what == "feed" else "unknown"
    return _About(platform, account, _text(value.get("post_id")), at).item(kind, value)


def _of_threads(payload: dict[str, Any]) -> Iterator[Item]:
    values = payload.get("values")
    value = values.get("value") if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(value, dict):
        return
    told = value.get("root_post")
    root = told if isinstance(told, dict) else {}
    about = _About(Platform.THREADS, _text(root.get("owner_id")), _text(root.get("id")), payload.get("time"))
    yield about.item("COMMENT" if values.get("field") == "replies" else "unknown", value)


def _objects(value: object) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Unreadable("Its entries are not a list of objects.")
    return value


def _text(value: object) -> str:
    """An id or name of theirs: without white space, of bounded length; anything else is none."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable() or " " in value:
        return ""
    return value
