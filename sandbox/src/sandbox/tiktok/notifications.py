"""Webhooks of TikTok: the signature, what became of posts, permissions that were taken back."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import datetime

from sandbox.json import Object, write
from sandbox.tiktok.world import CLIENT_KEY, CLIENT_SECRET
from sandbox.webhooks import Retries, Webhook, WebhookSender

RETRIES = Retries(waits=(1.0, 5.0, 30.0))
"""TikTok tries for 72 hours; a sandbox is less patient."""
BY_USER, BY_DEVELOPER = 1, 5


def sign(webhook: Webhook, at: datetime) -> Mapping[str, str]:
    """The headers of a notification: `t=<seconds>,s=<hex HMAC-SHA256 of "t.body" by the client secret>`."""
    seconds = str(int(at.timestamp()))
    text = seconds.encode() + b"." + webhook.body
    signature = hmac.new(CLIENT_SECRET.encode(), text, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "tiktok-signature": f"t={seconds},s={signature}"}


class Notifier:
    """Tells the application, at the one address that was entered for it."""

    def __init__(self, sender: WebhookSender) -> None:
        self._sender = sender
        self.url = ""

    def tell(self, event: str, person_id: str, content: Object) -> None:
        """Something happened to a creator's post or permission; `content` is JSON in a string."""
        if not self.url:
            return
        document: Object = {
            "client_key": CLIENT_KEY,
            "event": event,
            "create_time": int(time.time()),
            "user_openid": person_id,
            "content": write(content).decode(),
        }
        self._sender.send(self.url, Webhook(event, write(document)))

    def tell_removed(self, person_id: str, reason: int = BY_USER) -> None:
        """The permission was taken back."""
        self.tell("authorization.removed", person_id, {"reason": reason})

    def reset(self) -> None:
        """Tell nobody."""
        self.url = ""
        self._sender.retry_as(RETRIES)
