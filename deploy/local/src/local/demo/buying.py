"""The chapter of money: a plan is paid with a card that the bank asks about, more is bought, a part refunded."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from local.visitor import NotSeen, Visitor, newcomer, seen

_UNDER_WAY = ("pending", "requires_action")
_BUSY = 503


@dataclass(slots=True)
class Buying:
    """What Pat buys; `visitor` lends addresses and connection, `hire` gets a member of staff at an address."""

    visitor: Visitor
    tag: str
    hire: Callable[[str], Awaitable[Visitor]]
    pat: Visitor = field(init=False)
    organization: str = ""
    last: tuple[Visitor, str] | None = None
    """The colleague for whom no seat was left, with the token of the invitation."""
    payment: dict[str, Any] = field(default_factory=dict)
    """That for more seats."""
    card: ClassVar[str] = "4000002500003155"
    """The bank asks whenever its holder is there (https://docs.stripe.com/testing#regulatory-cards)."""

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("Anybody sees what is sold", self.plans_are_shown),
            ("Pat chooses Pro; the bank asks, and the plan arrives", self.pat_chooses_pro),
            ("The tenth colleague finds every seat taken", self.a_limit_is_met),
            ("More seats wait for the bank and cost what was foreseen", self.more_seats_are_bought),
            ("Staff refund a part of it, which Pat sees", self.a_part_is_refunded),
        )

    async def plans_are_shown(self) -> str:
        """Without a token; a year costs ten months."""
        browser = Visitor(self.visitor.addresses, self.visitor.http, "")
        found = (await browser.call("GET", "/v1/billing/plans", expect=200)).json()
        pro = next(plan for plan in found["plans"] if plan["plan"] == "pro")
        prices = {each["interval"]: each["amount"] for each in pro["prices"] if each["currency"] == "eur"}
        if prices["year"] != 10 * prices["month"]:
            raise NotSeen(f"the prices are {prices}")
        return f"Pro is {prices['month'] / 100:.2f} € a month, {prices['year'] / 100:.2f} € a year"

    async def pat_chooses_pro(self) -> str:
        """Our API opens the page; the card is entered at Stripe alone; our part hears of it by webhook and return."""
        url = f"{self.visitor.addresses.gateway}/v1/webhooks/stripe"
        await self._sandbox("PUT", "/stripe/control/webhook", {"url": url, "secrets": ["whsec_sandbox"]})
        self.pat = await newcomer(self.visitor.addresses, self.visitor.http, f"pat.{self.tag}@example.com")
        self.organization = (await self.pat.found(f"Pat's {self.tag}"))["id"]
        page = await self._page()
        session = urlsplit(page["url"]).path.rsplit("/", 1)[-1]
        entered = {"card": self.card, "country": "DE", "email": self.pat.email, "name": "Pat"}
        asked = await self._sandbox("POST", f"/stripe/control/checkout/{session}/pay", entered)
        paid = await self._sandbox("POST", f"/stripe/control/checkout/{session}/authenticate", {"succeeds": True})
        back = await self.pat.http.get(paid["url"], follow_redirects=False)
        if (asked["state"], back.status_code) != ("requires_action", 303):
            raise NotSeen(f"the bank said {asked}, and the browser came back with {back.status_code}")
        seats = (await seen("the plan Pro", lambda: self._has("pro")))["entitlements"]["seats"]
        return f"asked by the bank; then Pro with {seats} seats"

    async def a_limit_is_met(self) -> str:
        """Nine colleagues join beside Pat; the next one is told that there is no seat left."""
        colleagues = await asyncio.gather(*(self._invited(number) for number in range(10)))
        answers = [await self._accepts(*each) for each in colleagues]
        if answers != [200] * 9 + [409]:
            raise NotSeen(f"they were answered {answers}")
        self.last = colleagues[-1]
        return "nine are in, 409 for the tenth"

    async def more_seats_are_bought(self) -> str:
        """Ask what five more would cost now, buy just that, satisfy the bank; nothing is switched before that."""
        wish = {"seats": 5}
        asked = (await self._patiently("/v1/billing/subscription/preview", wish, 200)).json()
        earlier = {each["id"] for each in await self._listed("payments")}
        body = {**wish, "proration_at": asked["proration_at"]}
        made = (await self._patiently("/v1/billing/subscription/changes", body, 201)).json()
        path = f"/v1/billing/subscription/changes/{made['id']}"
        await seen("the bank's question", lambda: self._change(path, "requires_action"))
        if not await self._has("pro"):
            raise NotSeen("more seats came before they were paid")
        link = (await self.pat.call("GET", f"{path}/payment-link", expect=200)).json()["url"]
        (await self.pat.http.post(f"{link}/authenticate", data={"answer": "yes"})).raise_for_status()

        async def paid() -> dict[str, Any] | None:
            fresh = [each for each in await self._listed("payments") if each["id"] not in earlier]
            return fresh[0] if [each["state"] for each in fresh] == ["succeeded"] else None

        change = await seen("the change applied", lambda: self._change(path, "applied"))
        self.payment = await seen("its one payment", paid)
        amounts = asked["total"], asked["amount_due"]
        if (change["total"], self.payment["received"]) != amounts:
            raise NotSeen(f"{amounts} were foreseen; {change['total']} invoiced, {self.payment['received']} paid")
        await seen("fifteen seats", lambda: self._has("pro", 15))
        await seen("a seat for the tenth", self._let_in)
        return f"foreseen, invoiced and paid: {self.payment['received'] / 100:.2f} €; the tenth is in"

    async def a_part_is_refunded(self) -> str:
        """Ten euros, once however often it is asked with one key, and no more than was paid; Pat sees them."""
        staff = await self.hire(f"staff.{self.tag}@example.com")
        path = f"/v1/staff/billing/organizations/{self.organization}/payments/{self.payment['id']}/refunds"
        key = {"idempotency-key": secrets.token_hex(8)}
        order = {"amount": 1000, "reason": "requested_by_customer"}
        made = (await staff.call("POST", path, expect=201, json=order, headers=key)).json()
        again = (await staff.call("POST", path, expect=201, json=order, headers=key)).json()
        over = {**order, "amount": self.payment["received"] - 999}
        await staff.call("POST", path, expect=409, json=over)
        await self.pat.call("POST", path, expect=401, json=order)

        async def arrived() -> list[dict[str, Any]] | None:
            found = await self._listed("refunds")
            return found if all(each["state"] == "succeeded" for each in found) else None

        refunds = await seen("the refund", arrived)
        refunded = (await self.pat.call("GET", f"/v1/billing/payments/{self.payment['id']}", expect=200)).json()
        if again["id"] != made["id"] or [(each["id"], each["amount"]) for each in refunds] != [(made["id"], 1000)]:
            raise NotSeen(f"the refunds are {refunds}")
        if refunded["refunded"] != order["amount"]:
            raise NotSeen(f"the payment is {refunded}")
        return f"10.00 € of {refunded['received'] / 100:.2f} €, once; 409 beyond what is left, 401 for Pat herself"

    async def _page(self) -> dict[str, Any]:
        """The page to pay on; while the prices are on their way to Stripe, ask again."""
        wish = {"plan": "pro", "interval": "month", "currency": "eur"}
        page: dict[str, Any] = (await self._patiently("/v1/billing/checkouts", wish, 201)).json()
        return page

    async def _patiently(self, path: str, body: dict[str, Any], expect: int) -> Any:
        """Post with one key, again and again while the answer is to ask again."""
        key = {"idempotency-key": secrets.token_hex(8)}

        async def look() -> Any:
            answer = await self.pat.call("POST", path, json=body, headers=key)
            if answer.status_code in (expect, _BUSY):
                return None if answer.status_code == _BUSY else answer
            raise NotSeen(f"POST {path}: {answer.status_code}: {answer.text[:300]}")

        return await seen(f"an answer to POST {path}", look)

    async def _change(self, path: str, state: str) -> dict[str, Any] | None:
        found: dict[str, Any] = (await self.pat.call("GET", path, expect=200)).json()
        if found["state"] not in (state, *_UNDER_WAY):
            raise NotSeen(f"the change is {found['state']}: {found['reason']}")
        return found if found["state"] == state else None

    async def _listed(self, what: str) -> list[dict[str, Any]]:
        """Payments or refunds, the newest first."""
        found: list[dict[str, Any]] = (await self.pat.call("GET", f"/v1/billing/{what}", expect=200)).json()["items"]
        return found

    async def _let_in(self) -> bool | None:
        """Whether she for whom no seat was left has one now."""
        return True if self.last and await self._accepts(*self.last) == 200 else None

    async def _has(self, plan: str, seats: int = 10) -> dict[str, Any] | None:
        found: dict[str, Any] = (await self.pat.call("GET", "/v1/billing/organization", expect=200)).json()
        return found if (found["plan"], found["entitlements"].get("seats")) == (plan, seats) else None

    async def _invited(self, number: int) -> tuple[Visitor, str]:
        email = f"colleague{number}.{self.tag}@example.com"
        await self.pat.call(
            "POST",
            f"/v1/organizations/{self.organization}/invitations",
            expect=201,
            headers={"idempotency-key": secrets.token_hex(8)},
            json={"email": email, "role": "editor"},
        )
        colleague = await newcomer(self.visitor.addresses, self.visitor.http, email)
        return colleague, await colleague.token_from_mail("/invitations/accept")

    async def _accepts(self, colleague: Visitor, token: str) -> int:
        return (await colleague.call("POST", "/v1/invitations/accept", json={"token": token})).status_code

    async def _sandbox(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.visitor.http.request(method, self.visitor.addresses.sandbox + path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
