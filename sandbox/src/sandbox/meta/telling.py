"""How Meta tells the application what happened: webhooks that are challenged and signed, and signed requests."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, Field
from pyreqwest.exceptions import PyreqwestError

from sandbox.json import Object, write
from sandbox.meta.world import CLIENT_SECRET, VERIFY_TOKEN
from sandbox.problems import Invalid
from sandbox.webhooks import Retries, Webhook, WebhookSender

RETRIES = Retries(waits=(1.0, 5.0, 30.0))
FORM = "form."

Url = Annotated[str, Field(pattern=r"^https?://", max_length=2000)]
Wanted = Literal["deauthorize", "data_deletion"]


class Hooks(BaseModel):
    """Where the application wants to be told of what, as it was entered in its dashboard; null is nowhere."""

    webhook: Url | None = None
    verify_token: Annotated[str, Field(max_length=500)] = VERIFY_TOKEN
    deauthorize: Url | None = None
    data_deletion: Url | None = None


class Telling:
    """Tells the application."""

    def __init__(self) -> None:
        self.hooks = Hooks()
        self._sender: WebhookSender | None = None

    def use(self, sender: WebhookSender) -> None:
        """Send by this one; it needs our signature to be made, so it comes after us."""
        self._sender = sender

    def sign(self, webhook: Webhook, _: datetime) -> Mapping[str, str]:
        """The headers of what leaves: webhooks are signed, signed requests are a form that is signed inside."""
        if webhook.topic.startswith(FORM):
            return {"content-type": "application/x-www-form-urlencoded"}
        signature = hmac.new(CLIENT_SECRET.encode(), webhook.body, hashlib.sha256).hexdigest()
        if webhook.topic == "raw.wrong":
            signature = "0" * 64
        return {
            "content-type": "application/json",
            "user-agent": "facebookexternalua",
            "x-hub-signature-256": f"sha256={signature}",
        }

    async def register(self, hooks: Hooks) -> None:
        """Trust an address for webhooks that answers the challenge.

        Raises:
            Invalid: The answer is not the challenge with status 200, or none came.
        """
        if hooks.webhook is not None:
            challenge = str(secrets.randbelow(10**10))
            asked = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": hooks.verify_token}
            try:
                status, answer = await self._required().ask(f"{hooks.webhook}?{urlencode(asked)}")
            except PyreqwestError as trouble:
                raise Invalid([("/webhook", f"no answer came: {type(trouble).__name__}")]) from trouble
            if status != 200 or answer != challenge:
                raise Invalid([("/webhook", f"the answer to the challenge was {status} {answer[:100]}")])
        self.hooks = hooks

    def tell(self, topic: str, payload: Object) -> None:
        """A webhook."""
        if self.hooks.webhook is not None:
            self._required().send(self.hooks.webhook, Webhook(topic, write(payload)))

    def ask(self, wanted: Wanted, person_id: str) -> None:
        """A signed request: somebody took the permission back, or wants what is known of them deleted."""
        url = self.hooks.deauthorize if wanted == "deauthorize" else self.hooks.data_deletion
        if url is not None:
            body = urlencode({"signed_request": signed_request(person_id)}).encode()
            self._required().send(url, Webhook(f"{FORM}{wanted}", body))

    def reset(self) -> None:
        """Nobody is told of anything."""
        self.hooks = Hooks()

    def _required(self) -> WebhookSender:
        if self._sender is None:
            raise LookupError("nobody sends")
        return self._sender


def signed_request(person_id: str, *, secret: str = CLIENT_SECRET) -> str:
    """A signed request about a person, as Meta makes it."""
    said = {"user_id": person_id, "algorithm": "HMAC-SHA256", "issued_at": int(time.time())}
    payload = _base64(write(said))
    return f"{_base64(hmac.digest(secret.encode(), payload.encode(), hashlib.sha256))}.{payload}"


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
