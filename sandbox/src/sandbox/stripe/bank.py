"""The customer's bank: its page where a person authenticates, and what those who watch let it do."""

import html
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.stripe import cards, disputes, errors, paying, refunds, setting_up
from sandbox.stripe.store import Record
from sandbox.stripe.world import World

Outcome = Literal["succeed", "fail"]
Reason = Literal[
    "bank_cannot_process",
    "credit_not_processed",
    "customer_initiated",
    "duplicate",
    "fraudulent",
    "general",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Bank</title>
<h1>Your bank asks who you are</h1><p>{what}</p>
<form method="post"><button name="outcome" value="succeed">Complete authentication</button>
<button name="outcome" value="fail">Fail authentication</button></form></html>"""
_DONE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Bank</title><p>{said}</p></html>"""


class Authentication(BaseModel):
    """What a person does when the bank asks."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome = "succeed"


class Behaviour(BaseModel):
    """The test card that a payment method behaves as from now on; its number stays."""

    model_config = ConfigDict(extra="forbid")

    card: Annotated[str, Field(alias="as", min_length=1, max_length=200)]
    """As `pm_card_visa_chargeDeclinedInsufficientFunds`."""


class Disputed(BaseModel):
    """A dispute of a payment."""

    model_config = ConfigDict(extra="forbid")

    charge: str
    amount: Annotated[int, Field(ge=1)] | None = None
    reason: Reason = "fraudulent"
    inquiry: bool = False


class Decision(BaseModel):
    """How a dispute ends."""

    model_config = ConfigDict(extra="forbid")

    outcome: disputes.Outcome


class Settling(BaseModel):
    """How a refund ends."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["succeeded", "failed"]
    reason: str = "unknown"


class Bank:
    """All banks of all customers."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> APIRouter:
        """Its page, and the control of it."""
        routes = APIRouter()
        add = routes.add_api_route
        add("/stripe/pages/authenticate/{identifier}", self.ask, methods=["GET"], response_class=Response)
        add("/stripe/pages/authenticate/{identifier}", self.answer, methods=["POST"], response_class=Response)
        add("/stripe/pages/receipts/{identifier}", self.receipt, methods=["GET"], response_class=Response)
        add("/stripe/control/intents/{identifier}/authenticate", self.authenticate, methods=["POST"])
        add("/stripe/control/payment_methods/{identifier}/behave", self.behave, methods=["POST"])
        add("/stripe/control/disputes", self.dispute, methods=["POST"], status_code=201)
        add("/stripe/control/disputes/{identifier}/close", self.decide, methods=["POST"])
        add("/stripe/control/refunds/{identifier}/settle", self.settle, methods=["POST"])
        return routes

    async def ask(self, identifier: str, outcome: Outcome | None = None) -> Response:
        """The page where a person authenticates; `outcome` answers it without a browser."""
        intent = self._intent(identifier)
        if outcome is not None:
            return self._answered(intent, outcome)
        if intent.data["status"] != "requires_action":
            return HTMLResponse(_DONE.format(said="There is nothing to do here any more."))
        amount = f"{intent.data['amount']} {intent.data['currency']}" if intent.kind == "payment_intent" else "a card"
        return HTMLResponse(_PAGE.format(what=html.escape(f"{amount}, {intent.id}")))

    async def answer(self, identifier: str, request: Request) -> Response:
        """What the person pressed; back to where the business wants it."""
        pressed = dict(parse_qsl((await request.body()).decode("utf-8", "replace"))).get("outcome")
        return self._answered(self._intent(identifier), "succeed" if pressed == "succeed" else "fail")

    async def receipt(self, identifier: str) -> Response:
        """What a customer is shown of a payment."""
        charge = self._found("charge", identifier).data
        said = f"Paid {charge['amount_captured']} {charge['currency']}, refunded {charge['amount_refunded']}"
        return HTMLResponse(_DONE.format(said=html.escape(said)))

    async def authenticate(self, identifier: str, done: Authentication) -> dict[str, JsonValue]:
        """A person authenticates, or fails to; the intent after it."""
        intent = self._intent(identifier)
        self._authenticated(intent, done.outcome)
        return intent.shown()

    async def behave(self, identifier: str, behaviour: Behaviour) -> dict[str, JsonValue]:
        """From now on a payment method behaves as a test card does: its bank has changed its mind."""
        card = cards.named(behaviour.card)
        if card is None:
            raise HTTPException(422, "There is no such test card.")
        method = self._found("payment_method", identifier)
        method.more["card"] = card
        return method.shown()

    async def dispute(self, asked: Disputed) -> dict[str, JsonValue]:
        """A bank takes a payment back."""
        charge = self._found("charge", asked.charge)
        try:
            made = disputes.make(self._world, charge, reason=asked.reason, amount=asked.amount, inquiry=asked.inquiry)
        except errors.Refusal as refusal:
            raise HTTPException(409, str(refusal)) from refusal
        return made.shown()

    async def decide(self, identifier: str, decision: Decision) -> dict[str, JsonValue]:
        """The bank decides a dispute."""
        found = self._found("dispute", identifier)
        try:
            disputes.close(self._world, found, decision.outcome)
        except errors.Refusal as refusal:
            raise HTTPException(409, str(refusal)) from refusal
        return found.shown()

    async def settle(self, identifier: str, settling: Settling) -> dict[str, JsonValue]:
        """The bank says what became of a refund; one that it has taken may fail still."""
        refund = self._found("refund", identifier)
        refunds.settle(self._world, refund, failed=settling.status == "failed", why=settling.reason)
        return refund.shown()

    def _answered(self, intent: Record, outcome: Outcome) -> Response:
        return_url = intent.more.get("return_url")
        passed = self._authenticated(intent, outcome)
        if not return_url:
            return HTMLResponse(_DONE.format(said="Done. You may close this page."))
        name = intent.kind
        said = {
            name: intent.id,
            f"{name}_client_secret": intent.data["client_secret"],
            "redirect_status": "succeeded" if passed else "failed",
        }
        parts = urlsplit(return_url)
        query = "&".join(part for part in (parts.query, urlencode(said)) if part)
        return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)

    def _authenticated(self, intent: Record, outcome: Outcome) -> bool:
        act = paying.authenticate if intent.kind == "payment_intent" else setting_up.authenticate
        try:
            return act(self._world, intent, passes=outcome == "succeed") is None
        except errors.Refusal as refusal:
            raise HTTPException(409, str(refusal)) from refusal

    def _intent(self, identifier: str) -> Record:
        return self._found("payment_intent" if identifier.startswith("pi_") else "setup_intent", identifier)

    def _found(self, kind: str, identifier: str) -> Record:
        record = self._world.store.get(kind, identifier)
        if record is None:
            raise HTTPException(404, f"There is no such {kind}.")
        return record
