"""How the webhooks leave: challenged, signed, those of pages and of accounts each to an address of its own."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, Field
from pyreqwest.exceptions import PyreqwestError

from sandbox.json import Object, write
from sandbox.messenger.world import VERIFY_TOKEN, EndIn, Kind, World
from sandbox.problems import Invalid
from sandbox.webhooks import Webhook, WebhookSender

OBJECTS: Mapping[str, str] = {"messenger": "page", "instagram": "instagram"}


class HookIn(BaseModel):
    """Where to send the webhooks of one kind."""

    kind: Kind
    url: Annotated[str, Field(pattern=r"^https?://", max_length=2000)]
    verify_token: Annotated[str, Field(max_length=500)] = VERIFY_TOKEN


class Teller:
    """Tells what happened, once the address has proven that it knows the verify token."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hooks: dict[str, str] = {}
        self._sender: WebhookSender | None = None

    def use(self, sender: WebhookSender) -> None:
        """Send by this one; it needs our signature to be made, so it comes after us."""
        self._sender = sender

    def sign(self, webhook: Webhook, _: datetime) -> Mapping[str, str]:
        """HMAC-SHA256 of the bytes by the app secret."""
        digest = hmac.new(self._world.app_secret.encode(), webhook.body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}

    async def register(self, hook: HookIn) -> None:
        """Trust an address that answers the challenge.

        Raises:
            Invalid: The answer is not the challenge with status 200, or none came.
        """
        challenge = str(secrets.randbelow(10**10))
        asked = urlencode(
            {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": hook.verify_token}
        )
        try:
            status, answer = await self._required().ask(f"{hook.url}?{asked}")
        except PyreqwestError as trouble:
            raise Invalid([("/url", f"no answer came: {type(trouble).__name__}")]) from trouble
        if status != 200 or answer != challenge:
            raise Invalid([("/url", f"The callback URL or verify token couldn't be validated (status {status})")])
        self._hooks[hook.kind] = hook.url

    def tell(self, end: EndIn, *events: Object) -> None:
        """Send these events of one end in one webhook; nothing while no address is trusted."""
        if url := self._hooks.get(end.kind):
            self._required().send(url, Webhook(_topic(events), delivery(end, events)))

    def reset(self) -> None:
        """Trust no address."""
        self._hooks.clear()

    def _required(self) -> WebhookSender:
        if self._sender is None:
            raise RuntimeError("the teller has no sender")
        return self._sender


def delivery(end: EndIn, events: Sequence[Object]) -> bytes:
    """A webhook's body."""
    entry = {"id": end.id, "time": int(time.time() * 1000), "messaging": list(events)}
    return write({"object": OBJECTS[end.kind], "entry": [entry]})


def _topic(events: Sequence[Object]) -> str:
    known = ("message", "reaction", "read", "delivery", "postback", "referral", "message_edit")
    return next((name for name in known if name in events[0]), "messaging") if events else "messaging"
