"""How Telnyx's webhooks leave: one event each, signed with Ed25519 over the time and the bytes."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, Field

from sandbox.json import Object, write
from sandbox.webhooks import Webhook, WebhookSender

_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"sandbox-telnyx").digest())
PUBLIC_KEY = base64.b64encode(_KEY.public_key().public_bytes_raw()).decode()
"""The same at each start, so that it can stand in settings: it protects nothing."""


class HookIn(BaseModel):
    """Where to send webhooks; an empty address sends none."""

    url: Annotated[str, Field(pattern=r"^(https?://.*)?$", max_length=2000)] = ""


class Teller:
    """Tells what happened."""

    def __init__(self) -> None:
        self.url = ""
        self._sender: WebhookSender | None = None

    def use(self, sender: WebhookSender) -> None:
        """Send by this one; it needs our signature to be made, so it comes after us."""
        self._sender = sender

    def sign(self, webhook: Webhook, at: datetime) -> Mapping[str, str]:
        """The headers of one attempt."""
        moment = str(int(at.timestamp()))
        signature = _KEY.sign(moment.encode() + b"|" + webhook.body)
        return {
            "content-type": "application/json",
            "telnyx-timestamp": moment,
            "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        }

    def tell(self, event: str, payload: Object) -> None:
        """Send an event; nothing while no address is known."""
        if not self.url or self._sender is None:
            return
        data: Object = {
            "event_type": event,
            "id": str(uuid4()),
            "occurred_at": datetime.now(UTC).isoformat(),
            "payload": payload,
            "record_type": "event",
        }
        body = write({"data": data, "meta": {"attempt": 1, "delivered_to": self.url}})
        self._sender.send(self.url, Webhook(event, body))
