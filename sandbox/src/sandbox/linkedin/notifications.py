"""Webhooks of LinkedIn: the challenge before an address is trusted, the signature, what was done to a post."""

import hashlib
import hmac
import itertools
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import uuid4

from pyreqwest.exceptions import PyreqwestError

from sandbox.json import Object, read_object, text_at, write
from sandbox.linkedin.posts import Post
from sandbox.linkedin.world import CLIENT_SECRET, Person, World
from sandbox.problems import Invalid
from sandbox.webhooks import Retries, Webhook, WebhookSender

RETRIES = Retries(waits=(1.0, 5.0, 30.0, 300.0))
"""LinkedIn tries every 5 minutes for 8 hours; a sandbox is less patient."""

Action = Literal["LIKE", "COMMENT", "SHARE", "SHARE_MENTION", "ADMIN_COMMENT", "COMMENT_EDIT", "COMMENT_DELETE"]

_numbers = itertools.count(int(time.time() * 1000))


def signed(body: bytes) -> str:
    """The value of X-LI-Signature: hex HMAC-SHA256 of "hmacsha256=" and the body, by the client secret."""
    return _hex(b"hmacsha256=" + body)


def sign(webhook: Webhook, _: datetime) -> Mapping[str, str]:
    """The headers of a notification."""
    return {"content-type": "application/json", "x-li-signature": signed(webhook.body)}


class Notifier:
    """Tells the application of what was done to posts, at addresses that it has proven to be its own."""

    def __init__(self, world: World, sender: WebhookSender) -> None:
        self._world = world
        self._sender = sender
        self.url = ""
        """Hears of everything, without a subscription."""

    async def register(self, url: str) -> None:
        """Let an address that answers the challenge hear of everything.

        Raises:
            Invalid: The answer is not what the secret makes of the challenge, or none came.
        """
        if trouble := await self.trouble_with(url):
            raise Invalid([("/url", trouble)])
        self.url = url

    async def trouble_with(self, url: str) -> str:
        """Why an address is not to be trusted; empty once it has answered the challenge."""
        code = str(uuid4())
        try:
            status, answer = await self._sender.ask(f"{url}{'&' if '?' in url else '?'}challengeCode={code}")
        except PyreqwestError as trouble:
            return f"no answer came: {type(trouble).__name__}"
        said = read_object(answer.encode()) or {}
        right = {"challengeCode": code, "challengeResponse": _hex(code.encode())}
        if status != 200 or any(text_at(said, name) != value for name, value in right.items()):
            return f"This URL did not pass the security challenge check (status {status})"
        return ""

    def tell(self, post: Post, person: Person, action: Action, text: str) -> Object:
        """Notify those who subscribed to the page of an action on its post; the notification as it was made."""
        number = next(_numbers)
        activity = post.urn.replace(post.urn.split(":")[2], "activity")
        comment = f"urn:li:comment:({activity},{number})"
        made = comment if "COMMENT" in action else activity
        notification: Object = {
            "notificationId": number,
            "organizationalEntity": post.author,
            "action": action,
            "sourcePost": post.urn,
            "decoratedSourcePost": {"entity": post.urn, "owner": post.author, "text": post.text},
            "generatedActivity": made,
            "lastModifiedAt": time.time_ns() // 1_000_000,
            "subscriber": person.urn,
        }
        if "COMMENT" in action:
            said = {"entity": comment, "object": activity, "owner": person.urn, "text": text}
            notification["decoratedGeneratedActivity"] = {"comment": said}
        for one in self._world.subscribed(post.author):
            self._send(one.webhook, action, {**notification, "subscriber": one.user})
        if self.url:
            self._send(self.url, action, notification)
        return notification

    def _send(self, url: str, action: Action, notification: Object) -> None:
        body = {"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": [notification]}
        self._sender.send(url, Webhook(f"notification.{action.lower()}", write(body)))

    def reset(self) -> None:
        """Trust no address."""
        self.url = ""
        self._sender.retry_as(RETRIES)


def _hex(text: bytes) -> str:
    return hmac.new(CLIENT_SECRET.encode(), text, hashlib.sha256).hexdigest()
