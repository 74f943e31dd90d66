"""Whether Stripe's books and ours agree to the cent, and what was promised about money was kept."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.chaos import books
from local.chaos.books import Book
from local.chaos.comparing import Line, compare
from local.chaos.evidence import Evidence

_ISSUED: Final = frozenset({"open", "paid", "uncollectible", "void"})
_GIVES: Final = frozenset({"trialing", "active", "past_due"})
_LIVE: Final = _GIVES | {"unpaid", "paused", "incomplete"}
_NOTES: Final = {"issued": "issued", "void": "void"}


@dataclass(frozen=True, slots=True)
class Cents:
    """The part of the accounts that is about money; amounts are in the minor unit."""

    book: Book
    evidence: Evidence

    def lines(self) -> list[Line]:
        """Every comparison."""
        return [
            *(self._taken(what, kind, table) for what, kind, table in _TAKEN),
            compare("invoices at Stripe, to the cent", self._invoices_there(), Counter(self._invoices_here())),
            compare("payments at Stripe, to the cent", self._payments_there(), Counter(self._payments_here())),
            self._charged_once(),
            compare("refunds at Stripe, to the cent", self._refunds_here(), self._refunds_there()),
            self._refunded(),
            compare("credit notes at Stripe, to the cent", self._notes_here(), self._notes_there()),
            self._spends(),
            self._credits(),
            self._one_subscription(),
            compare("subscriptions at Stripe", self._subscribed_there(), Counter(self._subscribed_here())),
            compare("plans follow subscriptions", self._plans_there(), Counter(self._plans_here())),
        ]

    def facts(self) -> Mapping[str, list[str]]:
        """The marks of the facts that must have been told, by type."""
        tables = self.evidence.tables
        return {
            "billing.entitlements.changed.v1": [
                f"{row[0]} {version}" for row in tables["entitled"] for version in range(1, row[2] + 1)
            ],
            "billing.invoice.finalized.v1": [row[0] for row in tables["invoices"] if row[2] in _ISSUED],
            "billing.invoice.paid.v1": [row[0] for row in tables["invoices"] if row[2] == "paid"],
            "billing.payment.succeeded.v1": [row[0] for row in tables["payments"] if row[2] == "succeeded"],
            "billing.refund.issued.v1": [row[0] for row in tables["refunds"] if row[1] is not None],
            "billing.credit_note.issued.v1": [row[0] for row in tables["credit_notes"] if row[1] is not None],
            "billing.credits.granted.v1": [row[0] for row in tables["lots"]],
            "billing.credits.spent.v1": [row[0] for row in tables["spends"]],
        }

    def _taken(self, what: str, kind: str, table: str) -> Line:
        """What was accepted is there; beside it no more than was asked for and never answered."""
        accepted = set(self.book.accepted[kind].values())
        found = Counter(str(row[0]) for row in self.evidence.tables[table])
        others = sorted(set(found) - accepted)
        never = len(self.book.asked[kind] - self.book.refused[kind] - set(self.book.accepted[kind]))
        twins = [twin for twin in self.book.twins if twin.startswith(f"{kind} ")]
        strange = others if len(others) > never else []
        note = f"{never} never answered" if never else ""
        return compare(what, accepted, found, others, unexplained=[*twins, *strange], note=note)

    def _at_stripe(self, kind: str) -> list[dict[str, Any]]:
        return self.evidence.stripe.get(kind, [])

    def _invoices_there(self) -> list[str]:
        issued = (each for each in self._at_stripe("invoice") if each["status"] in _ISSUED)
        names = ("id", "status", "total", "amount_paid", "amount_remaining", "currency")
        return [" ".join(str(each[name]) for name in names) for each in issued]

    def _invoices_here(self) -> list[str]:
        issued = (row for row in self.evidence.tables["invoices"] if row[2] in _ISSUED)
        return [f"{row[1]} {row[2]} {row[3]} {row[5]} {row[6]} {row[8]}" for row in issued]

    def _payments_there(self) -> list[str]:
        return [
            f"{each['id']} {each['amount_received']} {each['currency']}"
            for each in self._at_stripe("payment_intent")
            if each["status"] == "succeeded"
        ]

    def _payments_here(self) -> list[str]:
        rows = (row for row in self.evidence.tables["payments"] if row[2] == "succeeded")
        return [f"{row[1]} {row[3]} {row[5]}" for row in rows]

    def _charged_once(self) -> Line:
        """What was taken from a customer's cards is what their invoices say was paid, and not more."""
        paid = _sums((each["customer"], each["amount_paid"]) for each in self._at_stripe("invoice"))
        charged = _sums((each["customer"], each["amount"]) for each in self._at_stripe("charge") if each["paid"])
        odd = sorted(
            f"{one}: {charged[one]} charged, {paid[one]} paid"
            for one in {*paid, *charged}
            if paid[one] != charged[one]
        )
        total = f"{sum(charged.values()) / 100:.2f} € charged"
        return Line("customers charged for their invoices alone", len(paid), len(charged), (), (), odd, total)

    def _refunds_here(self) -> list[str]:
        return [f"{row[0]} {row[1]} {row[2]} {row[3]} {row[4]}" for row in self.evidence.tables["refunds"] if row[1]]

    def _refunds_there(self) -> Counter[str]:
        return Counter(
            f"{each['metadata'].get('row_id')} {each['id']} {each['status']} {each['amount']} {each['currency']}"
            for each in self._at_stripe("refund")
        )

    def _refunded(self) -> Line:
        """What payments say was given back is what Stripe gave back of them."""
        there = _sums((each["payment_intent"], each["amount_refunded"]) for each in self._at_stripe("charge"))
        here = {row[1]: row[4] for row in self.evidence.tables["payments"]}
        odd = sorted(
            f"{one}: {here.get(one)} here, {there[one]} there" for one in there if there[one] != here.get(one, 0)
        )
        total = f"{sum(there.values()) / 100:.2f} € given back"
        return Line("payments refunded, to the cent", len(here), len(there), (), (), odd, total)

    def _notes_here(self) -> list[str]:
        rows = (row for row in self.evidence.tables["credit_notes"] if row[1])
        return [f"{row[0]} {row[1]} {row[2]} {row[3]}" for row in rows]

    def _notes_there(self) -> Counter[str]:
        return Counter(
            f"{each['metadata'].get('row_id')} {each['id']} {_NOTES[each['status']]} {each['amount']}"
            for each in self._at_stripe("credit_note")
        )

    def _spends(self) -> Line:
        found = Counter(f"{row[0]} {row[2]}" for row in self.evidence.tables["spends"])
        asked = self.book.asked[books.SPEND]
        others = [each for each in found if each.split(" ")[0] in asked]
        return compare("credits spent, once", self.book.accepted[books.SPEND].values(), found, others)

    def _credits(self) -> Line:
        """Of each organization: granted less spent is what is left."""
        granted = _sums((row[1], row[2]) for row in self.evidence.tables["lots"])
        left = _sums((row[1], row[3]) for row in self.evidence.tables["lots"])
        spent = _sums((row[1], row[2]) for row in self.evidence.tables["spends"])
        odd = [f"{one}: {granted[one]} granted, {spent[one]} spent, {left[one]} left" for one in granted]
        odd = [told for told, one in zip(odd, granted, strict=True) if granted[one] - spent[one] != left[one]]
        return Line("credits add up", len(granted), len(left), (), (), odd, f"{sum(left.values())} left")

    def _one_subscription(self) -> Line:
        live = Counter(each["customer"] for each in self._at_stripe("subscription") if each["status"] in _LIVE)
        customers = Counter(
            each["metadata"]["organization_id"]
            for each in self._at_stripe("customer")
            if each["metadata"].get("organization_id")
        )
        doubled = [f"{count} live subscriptions of {one}" for one, count in live.items() if count > 1]
        doubled += [f"{count} customers for {one}" for one, count in customers.items() if count > 1]
        return Line("one customer, one subscription", len(customers), live.total(), (), doubled)

    def _subscribed_there(self) -> list[str]:
        return [f"{each['id']} {each['status']}" for each in self._at_stripe("subscription")]

    def _subscribed_here(self) -> list[str]:
        return [f"{row[0]} {row[1]}" for row in self.evidence.tables["subscriptions"]]

    def _plans_there(self) -> list[str]:
        """What each organization has by Stripe's books."""
        owners = {each["id"]: each["metadata"].get("organization_id") for each in self._at_stripe("customer")}
        bought = {
            str(owners.get(each["customer"])): _plan(each)
            for each in self._at_stripe("subscription")
            if each["status"] in _GIVES and not each["pause_collection"]
        }
        everybody = (row[0] for row in self.evidence.tables["entitled"])
        return [f"{one} {bought.get(one, 'free')}" for one in everybody]

    def _plans_here(self) -> list[str]:
        return [f"{row[0]} {row[1]}" for row in self.evidence.tables["entitled"]]


_TAKEN: Final = (
    ("checkouts opened", books.CHECKOUT, "checkouts"),
    ("changes taken", books.CHANGE, "changes"),
    ("refunds taken", books.REFUND, "refunds"),
    ("credit notes taken", books.CREDIT_NOTE, "credit_notes"),
    ("lots of credits taken", books.LOT, "lots"),
)


def _plan(subscription: Mapping[str, Any]) -> str:
    """The plan by the lookup key of its price: `pro_month_eur_v1`, beside `pro_seat_month_eur_v1`."""
    keys = (str(item["price"]["lookup_key"]) for item in subscription["items"]["data"])
    return next((key.split("_")[0] for key in keys if "_seat_" not in key), "free")


def _sums(pairs: Iterable[tuple[str, int]]) -> defaultdict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for name, amount in pairs:
        found[str(name)] += amount
    return found
