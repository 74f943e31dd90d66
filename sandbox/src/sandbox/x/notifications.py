"""Webhooks of X: the CRC before (and while) an address is trusted, the signature, what is told.

Permissions that were taken back are told in the words of the Account Activity API, replies in those of the Activity
API.
"""

import hashlib
import hmac
import itertools
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_urlsafe
from urllib.parse import urlencode

from pyreqwest.exceptions import PyreqwestError

from sandbox.json import Object, read_object, text_at, write
from sandbox.refusals import Refusal
from sandbox.shelf import Shelf
from sandbox.webhooks import Retries, Webhook, WebhookSender
from sandbox.x import errors
from sandbox.x.world import APP_ID, CONSUMER_SECRET, Person

RETRIES = Retries(waits=(1.0, 5.0, 30.0))
KEPT_WEBHOOKS = 100

_numbers = itertools.count(int(time.time() * 1000))


def signed(text: bytes) -> str:
    """`sha256=` and the base64 HMAC-SHA256 by the consumer secret."""
    return "sha256=" + b64encode(hmac.new(CONSUMER_SECRET.encode(), text, hashlib.sha256).digest()).decode()


def sign(webhook: Webhook, _: datetime) -> Mapping[str, str]:
    """The headers of a notification."""
    return {"content-type": "application/json", "x-twitter-webhooks-signature": signed(webhook.body)}


@dataclass(slots=True)
class Address:
    """A webhook as it was registered, and the users whose activity goes there."""

    id: str
    url: str
    valid: bool
    created_at: float
    users: set[str]

    def out(self) -> Object:
        """As the API answers it."""
        at = datetime.fromtimestamp(self.created_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"id": self.id, "url": self.url, "valid": self.valid, "created_at": at}


class Notifier:
    """Tells the application what happens to users who gave it a permission."""

    def __init__(self, sender: WebhookSender) -> None:
        self._sender = sender
        self.addresses: Shelf[str, Address] = Shelf(most=KEPT_WEBHOOKS)

    async def register(self, url: str) -> Address:
        """Trust an address once it has answered the challenge."""
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")) or len(url) > 200:
            raise errors.invalid("url", "The URL must be https and at most 200 characters long")
        await self.check(url)
        address = Address(str(next(_numbers)), url, valid=True, created_at=time.time(), users=set())
        self.addresses.put(address.id, address)
        return address

    async def check(self, url: str) -> None:
        """Ask the address to sign a token, as X does again every hour."""
        token = token_urlsafe(32)
        joined = "&" if "?" in url else "?"
        try:
            status, answer = await self._sender.ask(f"{url}{joined}{urlencode({'crc_token': token})}")
        except PyreqwestError as trouble:
            raise _failed(type(trouble).__name__) from trouble
        said = text_at(read_object(answer.encode()) or {}, "response_token")
        if status != 200 or not hmac.compare_digest(said.encode(), signed(token.encode()).encode()):
            raise _failed(f"status {status}")

    def tell_revoked(self, person_id: str) -> None:
        """A user took the permission back."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        revoke = {"date_time": now, "target": {"app_id": APP_ID}, "source": {"user_id": person_id}}
        self._send("user_event.revoke", {"user_event": {"revoke": revoke}}, person_id)

    def tell_reply(self, tweet_id: str, author_id: str, conversation_id: str, person: Person, text: str) -> Object:
        """Somebody answered a post."""
        number, now = next(_numbers), datetime.now(UTC)
        payload: Object = {
            "id": str(number),
            "text": text,
            "author_id": person.id,
            "conversation_id": conversation_id,
            "created_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "referenced_tweets": [{"type": "replied_to", "id": tweet_id}],
        }
        event: Object = {
            "event_uuid": str(number + 1),
            "filter": {"user_id": author_id},
            "event_type": "post.reply.create",
            "tag": "replies",
            "payload": payload,
        }
        self._send("post.reply.create", {"data": event}, author_id)
        return event

    def reset(self) -> None:
        """Trust no address."""
        self.addresses.clear()
        self._sender.retry_as(RETRIES)

    def _send(self, topic: str, document: Object, person_id: str) -> None:
        for address in self.addresses.all(lambda one: one.valid and (not one.users or person_id in one.users)):
            self._sender.send(address.url, Webhook(topic, write(document)))


def _failed(why: str) -> Refusal:
    return errors.invalid("url", f"CRC GET request failed: {why}")
