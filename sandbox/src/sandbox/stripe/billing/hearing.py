"""What billing makes of payments it hears of, whoever has confirmed them: the API, a page, a bank."""

from sandbox.stripe.billing import following, payments, settling
from sandbox.stripe.store import Record
from sandbox.stripe.world import World


class Hearing:
    """Hears of every event and settles the invoices whose intents have succeeded."""

    def __init__(self, world: World) -> None:
        self._world = world

    def hear(self, event: Record) -> None:
        """Follow an intent that is an invoice's, and a card that was set up for a subscription."""
        what = event.data["type"]
        if what == "payment_intent.succeeded":
            self._paid(event.data["data"]["object"])
        elif what == "payment_intent.payment_failed":
            self._failed(event.data["data"]["object"]["id"])
        elif what == "setup_intent.succeeded":
            self._set_up(event.data["data"]["object"])
        elif what == "customer.deleted":
            self._gone(event.data["data"]["object"]["id"])

    def _invoice_of(self, intent: str) -> Record | None:
        record = self._world.store.get("payment_intent", intent)
        return self._world.store.get("invoice", record.more.get("invoice", "")) if record else None

    def _paid(self, intent: dict[str, str]) -> None:
        invoice = self._invoice_of(intent["id"])
        if invoice is None:
            return
        payments.close(self._world, invoice)
        subscription = following.subscription_of(self._world, invoice.data)
        if subscription is not None:
            kept = subscription.data["payment_settings"]["save_default_payment_method"] == "on_subscription"
            if kept and subscription.data["default_payment_method"] is None:
                with self._world.changing(subscription, "customer.subscription.updated") as data:
                    data["default_payment_method"] = intent["payment_method"]
        settling.settle(self._world, invoice)

    def _failed(self, intent: str) -> None:
        """A payment that somebody else tried: billing's own tries are followed where they are made."""
        invoice, record = self._invoice_of(intent), self._world.need("payment_intent", intent)
        if invoice is None or record.more.get("attempting"):
            return
        data = invoice.data
        data |= {"attempted": True, "attempt_count": data["attempt_count"] + 1}
        settling.missed(self._world, invoice, "declined")

    def _set_up(self, intent: dict[str, str]) -> None:
        for one in self._world.store.all("subscription"):
            if one.data["pending_setup_intent"] == intent["id"]:
                with self._world.changing(one, "customer.subscription.updated") as data:
                    data["pending_setup_intent"] = None
                    data["default_payment_method"] = data["default_payment_method"] or intent["payment_method"]

    def _gone(self, customer: str) -> None:
        """With a customer end their subscriptions."""
        for one in list(self._world.store.all("subscription")):
            if one.data["customer"] == customer and one.data["status"] not in {"canceled", "incomplete_expired"}:
                following.end(self._world, one)
