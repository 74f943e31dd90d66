"""The sandbox as the run sees it: it is set up, told to misbehave, and its books are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from local.chaos.plan import Strike

Rules = list[dict[str, Any]]

_DOORS: Mapping[str, Mapping[str, Any]] = {
    "linkedin": {"path": "/linkedin/api/rest/"},
    "whatsapp": {"path": "/whatsapp/graph/", "method": "POST"},
    "mailbox": {},
    "stripe": {"path": "/stripe/v1/"},
}
_ERRORS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "http": (
        {"status": 503, "body": {"message": "Unavailable"}},
        {"status": 429, "headers": {"Retry-After": "1"}, "body": {}},
        {"status": 502, "body": {"message": "Bad gateway"}},
    ),
    "smtp": (
        {"code": 421, "text": "4.3.2 Closing"},
        {"code": 451, "text": "4.7.1 Try again later"},
        {},
    ),
}
"""Away, too busy, broken. An error after a mail's data says by RFC 5321 that the mail was not taken and is to be sent
again: where a server keeps it all the same, no client can avoid a twin, so that is not asked for."""
_POSTING = {"method": "POST", "path": "/linkedin/api/rest/posts"}
AT_STRIPE: Final = ("customer", "subscription", "invoice", "payment_intent", "charge", "refund", "credit_note")
"""Kinds of Stripe's objects that tell of money."""
_TOLD: Final = (
    *(f"customer.subscription.{what}" for what in ("created", "updated", "deleted", "paused", "resumed")),
    *(f"customer.subscription.{what}" for what in ("pending_update_applied", "pending_update_expired")),
    *(
        f"invoice.{what}"
        for what in ("created", "updated", "finalized", "paid", "payment_failed", "voided", "deleted")
    ),
    *(f"payment_intent.{what}" for what in ("created", "succeeded", "payment_failed", "requires_action", "canceled")),
    *(f"refund.{what}" for what in ("created", "updated", "failed")),
    *(f"credit_note.{what}" for what in ("created", "updated", "voided")),
    *(f"checkout.session.{what}" for what in ("completed", "expired")),
)
"""What our endpoint at Stripe asks to be told."""
_MOST: Final = 1000
_KEEPS_EVERY_TWIN = {"duplicate_seconds": 0, "member_calls_per_day": None, "calls_per_day": None}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The control side of the sandbox; it is never struck itself, as it holds the other side's books."""

    http: httpx.AsyncClient
    url: str

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One call of the control API; the answer's content."""
        answer = await self.http.request(method, self.url + path, json=body, params=query)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def prepare(self, gateway: str) -> None:
        """Let nothing be hidden by the other side's own kindness: twins stay visible, webhooks are insisted on."""
        webhooks = f"{gateway}/v1/webhooks"
        await self.ask("PUT", "/linkedin/control/app", _KEEPS_EVERY_TWIN)
        patience = {"retry_seconds": [0.5] * 10 + [2.0] * 40, "at_a_time": 4}
        hook = {"url": f"{webhooks}/whatsapp", "verify_token": "sandbox-verify", **patience}
        await self.ask("PUT", "/whatsapp/control/webhook", hook)
        paying = {"url": f"{webhooks}/stripe", "secrets": ["whsec_sandbox"], "types": list(_TOLD), **patience}
        await self.ask("PUT", "/stripe/control/webhook", paying)

    async def at(self, moved: float) -> None:
        """Let Stripe's clock be ahead like the platform's: a signature is good for five minutes only."""
        account = await self.ask("GET", "/stripe/control/account")
        await self.ask("PUT", "/stripe/control/account", account | {"ahead_seconds": round(moved)})

    async def at_stripe(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind that Stripe has.

        Raises:
            LookupError: there are more than can be told.
        """
        found: list[dict[str, Any]] = await self.ask("GET", f"/stripe/control/objects/{kind}", limit=_MOST)
        if len(found) == _MOST:
            raise LookupError(f"more than {_MOST} of {kind}")
        return found

    async def untold(self) -> int:
        """How many webhooks of Stripe's are still on their way."""
        return int((await self.ask("GET", "/stripe/control/untold"))["untold"])

    async def misbehave(self, strike: Strike) -> None:
        """From now on one member does what the strike says."""
        await self.ask("PUT", f"/control/{strike.target}/faults", rules(strike))

    async def behave(self, member: str) -> None:
        """One member is well again."""
        await self.ask("DELETE", f"/control/{member}/faults")

    async def mails(self) -> list[dict[str, Any]]:
        """Every mail that arrived."""
        return await self._all("/mailbox/messages")

    async def messages(self, number: str) -> list[dict[str, Any]]:
        """Every message that a number sent."""
        return await self._all("/whatsapp/control/messages", phone_number_id=number)

    async def written(self) -> list[dict[str, Any]]:
        """Everything that people wrote, newest first."""
        return await self._all("/whatsapp/control/written")

    async def posts(self, page: str) -> list[dict[str, Any]]:
        """Every post that is live on a page."""
        author = f"urn:li:organization:{page}"
        found: list[dict[str, Any]] = await self.ask("GET", "/linkedin/control/posts", author=author, limit=1000)
        return found

    async def _all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = await self.ask("GET", path, limit=200, **query)
        found += page["items"]
        while page["next_cursor"]:
            page = await self.ask("GET", path, limit=200, cursor=page["next_cursor"], **query)
            found += page["items"]
        return found


def rules(strike: Strike) -> Rules:
    """The sandbox's fault rules for a strike; a pure function of it."""
    door, seed = dict(_DOORS[strike.target]), strike.seed
    away, busy, broken = _ERRORS["smtp" if strike.target == "mailbox" else "http"]
    slow: Rules = [_rule("delay", door, 0.5, seed + 1, seconds=1.5)]
    refusing: Rules = [
        _rule("refuse_before_effect", door, 0.3, seed + 2, **away),
        _rule("refuse_before_effect", door, 0.2, seed + 3, **busy),
    ]
    lying: Rules = [
        _rule("drop_after_effect", door, 0.25, seed + 4),
        *([_rule("error_after_effect", door, 0.25, seed + 5, **broken)] if broken else []),
        *_own_lies(strike.target, seed),
    ]
    return {"slow": slow, "refusing": refusing, "lying": lying, "all at once": [*refusing, *lying, *slow]}[
        strike.what
    ]


def _own_lies(member: str, seed: int) -> Rules:
    if member == "linkedin":
        return [_rule("visible_after", _POSTING, 0.5, seed + 6, seconds=4)]
    if member in {"whatsapp", "stripe"}:
        return [
            _rule("webhook_duplicate", {}, 0.4, seed + 7, copies=2),
            _rule("webhook_reorder", {}, 0.7, seed + 8, window=5, seconds=0.5),
            _rule("webhook_delay", {}, 0.5, seed + 9, seconds=1.0),
        ]
    return []


def _rule(kind: str, match: Mapping[str, Any], probability: float, seed: int, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "match": dict(match), "probability": probability, "seed": seed, **more}
