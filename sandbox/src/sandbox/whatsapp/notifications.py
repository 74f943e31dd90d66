"""How WhatsApp's webhooks leave: challenged, signed, one by one or gathered."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, Field
from pyreqwest.exceptions import PyreqwestError

from sandbox.json import Object, write
from sandbox.problems import Invalid
from sandbox.webhooks import Retries, Webhook, WebhookSender
from sandbox.whatsapp.payloads import Item, Layout, payload
from sandbox.whatsapp.templates import Template
from sandbox.whatsapp.world import VERIFY_TOKEN, NumberIn, World

RETRIES = Retries(waits=(1.0, 5.0, 30.0, 300.0))
"""Meta tries for seven days; a sandbox is less patient."""
MOST_TOGETHER = 1_000

Signature = Callable[[bytes], Mapping[str, str]]


class WebhookIn(BaseModel):
    """Where to send webhooks, how patiently, and how many items to gather into one."""

    url: Annotated[str, Field(pattern=r"^https?://", max_length=2000)]
    verify_token: Annotated[str, Field(max_length=500)] = VERIFY_TOKEN
    retry_seconds: Annotated[
        list[Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]], Field(max_length=50)
    ] = [1.0, 5.0, 30.0]
    batch: Annotated[int, Field(ge=1, le=MOST_TOGETHER)] = 1
    batch_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 0.05
    layout: Layout = "messages"
    at_a_time: Annotated[int, Field(ge=1, le=100)] = 1
    """How many deliveries may be on their way together; with more than one there is no order."""


class Notifier:
    """Tells the business what happened, once its address has proven that it knows the verify token."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hook: WebhookIn | None = None
        self._gathered: list[Item] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sender: WebhookSender | None = None

    def use(self, sender: WebhookSender) -> None:
        """Send by this one; it needs our signature to be made, so it comes after us."""
        self._sender = sender

    def sign(self, webhook: Webhook, _: datetime) -> Mapping[str, str]:
        """The headers of a webhook: HMAC-SHA256 of its bytes by the app secret, unless its topic is to spoil it."""
        signature = self.signature(webhook.body)
        if webhook.topic == "raw.unsigned":
            return {"content-type": "application/json"}
        if webhook.topic == "raw.wrong":
            signature = f"sha256={'0' * 64}"
        return {
            "content-type": "application/json",
            "user-agent": "facebookexternalua",
            "x-hub-signature-256": signature,
        }

    def signature(self, body: bytes) -> str:
        """The value of X-Hub-Signature-256."""
        return f"sha256={hmac.new(self._world.app.app_secret.encode(), body, hashlib.sha256).hexdigest()}"

    async def register(self, hook: WebhookIn) -> None:
        """Trust an address that answers the challenge.

        Raises:
            Invalid: The answer is not the challenge with status 200, or none came.
        """
        challenge = str(secrets.randbelow(10**10))
        asked = urlencode(
            {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": hook.verify_token}
        )
        try:
            status, answer = await self._required().ask(f"{hook.url}{'&' if '?' in hook.url else '?'}{asked}")
        except PyreqwestError as trouble:
            raise Invalid([("/url", f"no answer came: {type(trouble).__name__}")]) from trouble
        if status != 200 or answer != challenge:
            message = f"The callback URL or verify token couldn't be validated (status {status})"
            raise Invalid([("/url", message)])
        self._hook = hook
        self._required().retry_as(Retries(tuple(hook.retry_seconds)))
        self._required().spread(hook.at_a_time)

    def tell(self, item: Item) -> None:
        """Send an item, at once or with others; nothing while no address is trusted."""
        if self._hook is None:
            return
        if self._hook.batch == 1:
            self.tell_together([item], self._hook.layout)
            return
        self._gathered.append(item)
        if len(self._gathered) >= self._hook.batch:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._hook.batch_seconds, self._flush)

    def tell_together(self, items: Sequence[Item], layout: Layout) -> None:
        """Send these items in one webhook."""
        if self._hook is not None:
            topic = items[0].topic if len(items) == 1 else "batch"
            self._required().send(self._hook.url, Webhook(topic, payload(items, layout)))

    def tell_template(self, number: NumberIn, template: Template) -> None:
        """Tell what has become of a template, as Meta does when it has decided."""
        value = {
            "event": template.status,
            "message_template_id": int(template.id),
            "message_template_name": template.name,
            "message_template_language": template.language,
            "message_template_category": template.category,
            "reason": "NONE",
        }
        change = {"value": value, "field": "message_template_status_update"}
        entry = {"id": number.waba_id, "time": int(time.time()), "changes": [change]}
        body = write({"object": "whatsapp_business_account", "entry": [entry]})
        self.tell_raw(body, f"template.{template.status.lower()}")

    def tell_change(self, waba_id: str, field: str, value: Object) -> None:
        """Tell a change of an account."""
        entry = {"id": waba_id, "time": int(time.time()), "changes": [{"value": value, "field": field}]}
        self.tell_raw(write({"object": "whatsapp_business_account", "entry": [entry]}), field)

    def tell_raw(self, body: bytes, topic: str) -> None:
        """Send any bytes; the topics raw.unsigned and raw.wrong spoil the signature."""
        if self._hook is not None:
            self._required().send(self._hook.url, Webhook(topic, body))

    def reset(self) -> None:
        """Trust no address, send nothing that was gathered."""
        self._hook = None
        self._gathered.clear()
        self._stop_timer()
        self._required().retry_as(RETRIES)
        self._required().spread(1)

    def _flush(self) -> None:
        self._stop_timer()
        gathered, self._gathered = self._gathered, []
        if gathered and self._hook is not None:
            self.tell_together(gathered, self._hook.layout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _required(self) -> WebhookSender:
        if self._sender is None:
            raise RuntimeError("the notifier has no sender")
        return self._sender
