"""People in front of Stripe's pages: Checkout, hosted invoices, the portal; for browsers and, in JSON, for tests."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from sandbox.stripe import errors
from sandbox.stripe.billing import buying, checkouts, html, payments, pdf, portal, settling, terms
from sandbox.stripe.billing.buying import Buyer, Outcome
from sandbox.stripe.engine.money import shown
from sandbox.stripe.store import Record
from sandbox.stripe.world import World

Short = Annotated[str, Field(min_length=1, max_length=300)]


class CardIn(BaseModel):
    """A card as somebody types it."""

    model_config = ConfigDict(extra="forbid")

    card: Annotated[str, Field(pattern=r"^[0-9 ]{12,24}$")] | None = None
    exp_month: int = 12
    exp_year: int = 2034
    cvc: Annotated[str, Field(max_length=10)] = "123"
    payment_method: Short | None = None
    """One that the customer has saved, in place of a number."""

    def number(self) -> dict[str, Any] | None:
        """The card's parts, where it was typed."""
        if self.card is None:
            return None
        parts = {"exp_month": self.exp_month, "exp_year": self.exp_year, "cvc": self.cvc}
        return {"number": self.card.replace(" ", ""), **parts}


class PayIn(CardIn):
    """What somebody enters at Checkout."""

    email: Short | None = None
    name: Short | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    promotion_code: Annotated[str, Field(max_length=500)] | None = None
    tax_id_type: Short | None = None
    tax_id: Short | None = None
    quantities: dict[str, int] = {}
    """By the ids of line items, where the session lets them be changed."""
    authenticates: bool | None = None
    """What is answered if the bank asks: null leaves the question open."""

    def buyer(self) -> Buyer:
        """As the session takes it."""
        told = (self.tax_id_type, self.tax_id) if self.tax_id_type and self.tax_id else None
        return Buyer(self.email, self.name, self.country, self.number(), self.payment_method, told, self.quantities)


class PayInvoiceIn(CardIn):
    """What somebody enters on an invoice's page."""

    authenticates: bool | None = None


class AnswerIn(BaseModel):
    """What somebody answers their bank."""

    model_config = ConfigDict(extra="forbid")

    succeeds: bool = True


class PortalIn(CardIn):
    """What somebody does in the portal."""

    action: Annotated[str, Field(pattern=r"^(cancel|keep|switch|change_card)$")]
    subscription: Short | None = None
    price: Short | None = None
    quantity: int | None = None
    feedback: Short | None = None
    comment: Annotated[str, Field(max_length=5000)] | None = None


class NoPage(Exception):
    """There is nothing at that address."""


class People:
    """All paths of people: pages below /stripe/pages, the same in JSON below /stripe/control."""

    def __init__(self, world: World, tick: Callable[[], None]) -> None:
        self._world, self._tick = world, tick

    def routes(self) -> APIRouter:
        """All paths."""
        routes = APIRouter()
        pages: Final = "/stripe/pages"
        both = ["GET", "POST"]
        routes.add_route(pages + "/checkout/{id}", self._page(self._checkout), methods=both)
        routes.add_route(pages + "/checkout/{id}/authenticate", self._page(self._bank), methods=both)
        routes.add_route(pages + "/invoices/{id}", self._page(self._invoice), methods=both)
        routes.add_route(pages + "/invoices/{id}/authenticate", self._page(self._invoice_bank), methods=both)
        routes.add_route(pages + "/invoices/{id}/pdf", self._page(self._pdf), methods=["GET"])
        routes.add_route(pages + "/portal/{id}", self._page(self._portal), methods=both)
        add, control = routes.add_api_route, "/stripe/control"
        add(control + "/checkout/{id}", self.read_checkout, methods=["GET"])
        add(control + "/checkout/{id}/pay", self.pay_checkout, methods=["POST"])
        add(control + "/checkout/{id}/authenticate", self.answer_checkout, methods=["POST"])
        add(control + "/invoices/{id}/pay", self.pay_invoice, methods=["POST"])
        add(control + "/invoices/{id}/authenticate", self.answer_invoice, methods=["POST"])
        add(control + "/portal/{id}", self.use_portal, methods=["POST"])
        return routes

    def _page(self, show: Callable[[Request, dict[str, str]], Response]) -> Callable[..., Any]:
        """A page that is shown or sent; what Stripe refuses stands on it."""

        async def answer(request: Request) -> Response:
            self._tick()
            sent = (
                dict(parse_qsl((await request.body()).decode("utf-8", "replace"))) if request.method == "POST" else {}
            )
            try:
                response = show(request, sent)
            except NoPage:
                response = HTMLResponse(html.page("Something went wrong", "<p>The page could not be found.</p>"), 404)
            except errors.Refusal as refusal:
                response = HTMLResponse(html.page("Something went wrong", html.trouble(refusal.error(""))), 400)
            self._tick()
            return response

        return answer

    # Checkout

    def _session(self, identifier: str) -> Record:
        found = self._world.store.get(checkouts.SESSION, identifier)
        if found is None:
            raise NoPage
        return found

    def _checkout(self, request: Request, sent: dict[str, str]) -> Response:
        session = self._session(request.path_params["id"])
        if session.data["status"] != "open":
            return HTMLResponse(html.page("Checkout", f"<p>This session is {session.data['status']}.</p>"), 410)
        if "promotion_code" in sent:
            try:
                buying.enter_code(self._world, session, sent["promotion_code"])
            except errors.Refusal as refusal:
                return self._offer(session, refusal.error(""))
            return self._offer(session)
        if sent:
            return self._after(session, buying.pay(self._world, session, _form(sent).buyer()))
        return self._offer(session)

    def _offer(self, session: Record, error: Mapping[str, Any] | None = None) -> Response:
        data = session.data
        address = f"{self._world.pages}/checkout/{session.id}"
        email = (data["customer_details"] or {}).get("email") or ""
        who = html.field("email", "E-mail", email, type="email") + html.field("name", "Name")
        who += html.field("country", "Country", maxlength="2")
        code = html.form(address, html.field("promotion_code", "Promotion code"), "Apply")
        parts = [
            html.trouble(error),
            html.session_rows(data, session.more["lines"]),
            code if data["allow_promotion_codes"] else "",
            html.form(address, who + html.card_fields(), "Subscribe" if data["mode"] == "subscription" else "Pay"),
            html.link(data["cancel_url"], "Back") if data["cancel_url"] else "",
        ]
        return HTMLResponse(html.page("Checkout (sandbox)", *parts))

    def _after(self, session: Record, outcome: Outcome) -> Response:
        if outcome.state == "declined":
            return self._offer(session, outcome.error)
        return RedirectResponse(outcome.url or "", 303)

    def _bank(self, request: Request, sent: dict[str, str]) -> Response:
        session = self._session(request.path_params["id"])
        if "answer" in sent:
            outcome = buying.authenticate(self._world, session, succeeds=sent["answer"] == "yes")
            return self._after(session, outcome)
        return _question(f"{self._world.pages}/checkout/{session.id}/authenticate")

    async def read_checkout(self, id: str) -> JSONResponse:  # noqa: A002 - the path's place
        """What the page shows."""
        session = self._world.store.get(checkouts.SESSION, id)
        if session is None:
            return _missing("checkout session", id)
        return JSONResponse({"session": session.shown(), "line_items": session.more["lines"]})

    async def pay_checkout(self, id: str, body: PayIn) -> JSONResponse:  # noqa: A002
        """Buy, as somebody in front of the page does."""

        def act() -> Outcome:
            session = self._world.need(checkouts.SESSION, id)
            if body.promotion_code is not None:
                buying.enter_code(self._world, session, body.promotion_code)
            outcome = buying.pay(self._world, session, body.buyer())
            if outcome.state == "requires_action" and body.authenticates is not None:
                outcome = buying.authenticate(self._world, session, succeeds=body.authenticates)
            return outcome

        return self._acted(act)

    async def answer_checkout(self, id: str, body: AnswerIn) -> JSONResponse:  # noqa: A002
        """Answer the bank."""
        return self._acted(
            lambda: buying.authenticate(self._world, self._world.need(checkouts.SESSION, id), succeeds=body.succeeds)
        )

    def _acted(self, act: Callable[[], Outcome]) -> JSONResponse:
        """Do what somebody does, and say what came of it."""
        self._tick()
        try:
            outcome = act()
        except errors.Refusal as refusal:
            return JSONResponse({"error": refusal.error("")}, refusal.status)
        finally:
            self._tick()
        return JSONResponse({"state": outcome.state, "url": outcome.url, "error": outcome.error})

    # Invoices

    def _open_invoice(self, token: str) -> Record:
        """The invoice that a page's address names, by what stands in it or by its id."""
        named = (one for one in self._world.store.all("invoice") if token in {one.more.get("token"), one.id})
        found = next(named, None)
        if found is None or found.data["status"] == "draft":
            raise NoPage
        return found

    def _invoice(self, request: Request, sent: dict[str, str]) -> Response:
        invoice = self._open_invoice(request.path_params["id"])
        if sent:
            outcome = pay_invoice(self._world, invoice, _form(sent))
            if outcome.state == "requires_action":
                return RedirectResponse(outcome.url or "", 303)
            return self._bill(invoice, outcome.error)
        return self._bill(invoice)

    def _bill(self, invoice: Record, error: Mapping[str, Any] | None = None) -> Response:
        data = invoice.data
        rows = [
            (line["description"] or "", shown(line["amount"], line["currency"])) for line in invoice.more["lines"]
        ]
        rows += [
            ("Total", shown(data["total"], data["currency"])),
            ("Due", shown(data["amount_remaining"], data["currency"])),
        ]
        payable = data["status"] in {"open", "uncollectible"}
        parts = [
            html.trouble(error),
            f"<p>{data['status']}</p>",
            html.table(rows),
            html.form(data["hosted_invoice_url"], html.card_fields(), "Pay") if payable else "",
            html.link(data["invoice_pdf"], "PDF"),
        ]
        return HTMLResponse(html.page(f"Invoice {data['number']}", *parts))

    def _invoice_bank(self, request: Request, sent: dict[str, str]) -> Response:
        invoice = self._open_invoice(request.path_params["id"])
        if "answer" in sent:
            outcome = answer_bank(self._world, invoice, succeeds=sent["answer"] == "yes")
            return self._bill(invoice, outcome.error)
        return _question(f"{invoice.data['hosted_invoice_url']}/authenticate")

    def _pdf(self, request: Request, _: dict[str, str]) -> Response:
        invoice = self._open_invoice(request.path_params["id"])
        lines = html.invoice_lines(invoice.data, invoice.more["lines"], invoice.data["account_name"])
        name = f'attachment; filename="Invoice-{invoice.data["number"]}.pdf"'
        return Response(pdf.document(lines), media_type="application/pdf", headers={"Content-Disposition": name})

    async def pay_invoice(self, id: str, body: PayInvoiceIn) -> JSONResponse:  # noqa: A002
        """Pay an invoice, as somebody in front of its page does."""

        def act() -> Outcome:
            invoice = self._world.need("invoice", id)
            outcome = pay_invoice(self._world, invoice, body)
            if outcome.state == "requires_action" and body.authenticates is not None:
                outcome = answer_bank(self._world, invoice, succeeds=body.authenticates)
            return outcome

        return self._acted(act)

    async def answer_invoice(self, id: str, body: AnswerIn) -> JSONResponse:  # noqa: A002
        """Answer the bank that asks about an invoice's payment."""
        return self._acted(lambda: answer_bank(self._world, self._world.need("invoice", id), succeeds=body.succeeds))

    # The portal

    def _portal(self, request: Request, sent: dict[str, str]) -> Response:
        session = portal.by_token(self._world, request.path_params["id"])
        if session is None:
            raise NoPage
        error = None
        if sent:
            try:
                self._use(session, PortalIn.model_validate(sent))
            except errors.Refusal as refusal:
                error = refusal.error("")
        return self._home(session, error)

    def _home(self, session: Record, error: Mapping[str, Any] | None) -> Response:
        address, parts = session.data["url"], [html.trouble(error)]
        for one in self._world.store.all("subscription"):
            data = one.data
            if data["customer"] != session.data["customer"]:
                continue
            names = ", ".join(line.description or "" for line in _lines(self._world, one))
            parts.append(f"<h2>{one.id}</h2>" + html.table([(names, data["status"])]))
            if data["status"] in {"canceled", "incomplete_expired"}:
                continue
            action = "keep" if data["cancel_at_period_end"] else "cancel"
            parts.append(html.form(address, html.hidden(action=action, subscription=one.id), action.capitalize()))
        parts.append(html.form(address, html.hidden(action="change_card") + html.card_fields(), "Use this card"))
        parts.append(self._history(session))
        parts.append(html.link(session.data["return_url"], "Back") if session.data["return_url"] else "")
        return HTMLResponse(html.page("Billing (sandbox)", *parts))

    def _history(self, session: Record) -> str:
        mine = (
            one.data for one in self._world.store.all("invoice") if one.data["customer"] == session.data["customer"]
        )
        final = [data for data in mine if data["hosted_invoice_url"]]
        return "".join(
            html.link(
                data["hosted_invoice_url"],
                f"{data['number']}: {shown(data['total'], data['currency'])}, {data['status']}",
            )
            for data in final
        )

    def _use(self, session: Record, body: PortalIn) -> str:
        world = self._world
        if body.action == "change_card":
            return portal.change_card(world, session, body.number() or {})
        if body.subscription is None:
            raise errors.missing("subscription")
        if body.action == "switch":
            return portal.switch(world, session, body.subscription, body.price or "", body.quantity).id
        if body.action == "keep":
            return portal.keep(world, session, body.subscription).id
        details = {name: getattr(body, name) for name in ("feedback", "comment") if getattr(body, name)}
        return portal.cancel(world, session, body.subscription, details).id

    async def use_portal(self, id: str, body: PortalIn) -> JSONResponse:  # noqa: A002
        """Do something in the portal; `id` is that of the session, or what stands in its address."""
        session = portal.by_token(self._world, id)
        if session is None:
            return _missing("portal session", id)

        def act() -> Outcome:
            self._use(session, body)
            return Outcome("complete", session.data["return_url"])

        return self._acted(act)


def pay_invoice(world: World, invoice: Record, card: CardIn) -> Outcome:
    """Somebody pays an invoice with a card; the card is kept for its customer.

    Raises:
        Refusal: It can't be paid any more.
    """
    if invoice.data["status"] not in {"open", "uncollectible"}:
        raise errors.invalid(f"This invoice is {invoice.data['status']}.")
    try:
        method = card.payment_method or payments.card(world, card.number() or {})
        payments.attach(world, method, world.need("customer", invoice.data["customer"]))
    except errors.Refusal as refusal:
        if refusal.kind != "card_error":
            raise
        return Outcome("declined", error=refusal.error(""))
    return _told(world, invoice, settling.collect(world, invoice, method=method, off_session=False))


def answer_bank(world: World, invoice: Record, *, succeeds: bool) -> Outcome:
    """The bank has asked about an invoice's payment, and somebody has answered.

    Raises:
        Refusal: It has asked nothing.
    """
    return _told(world, invoice, payments.answer(world, invoice, succeeds=succeeds))


def _told(world: World, invoice: Record, outcome: str) -> Outcome:
    url: str = invoice.data["hosted_invoice_url"]
    if outcome == "paid":
        return Outcome("complete", url)
    if outcome == "action":
        return Outcome("requires_action", f"{url}/authenticate")
    return Outcome("declined", error=payments.why(world, invoice).error(""))


def _lines(world: World, subscription: Record) -> list[Any]:
    data = subscription.data
    return terms.lines(world, data, terms.items_of(data), terms.period_of(data))


def _form(sent: Mapping[str, str]) -> PayIn:
    """What a browser sends; fields left empty were not filled in."""
    known = {name: value for name, value in sent.items() if value and name in PayIn.model_fields}
    if "country" in known:
        known["country"] = known["country"].upper()
    return PayIn.model_validate(known)


def _question(action: str) -> Response:
    """What the bank asks."""
    yes = html.form(action, html.hidden(answer="yes"), "Complete")
    no = html.form(action, html.hidden(answer="no"), "Fail")
    return HTMLResponse(html.page("3D Secure 2 test page", yes, no))


def _missing(what: str, identifier: str) -> JSONResponse:
    return JSONResponse({"error": {"message": f"No such {what}: '{identifier}'"}}, 404)
