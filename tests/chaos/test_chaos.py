"""`make chaos` in small: the plan is a function of its seed, the accountant is strict, and a short run is clean."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from kit.messaging.topology import Topology
from local.chaos import books, chaos
from local.chaos.accountant import Accounts
from local.chaos.books import Book
from local.chaos.cents import Cents
from local.chaos.client import Client
from local.chaos.comparing import Line, compare
from local.chaos.evidence import Evidence, Fact
from local.chaos.hearing import Browser, Partner
from local.chaos.outside import rules
from local.chaos.plan import CLOCK, OUTSIDE, PROCESSES, SERVERS, Strike, draw
from local.visitor import Addresses, Visitor


def test_a_plan_is_a_function_of_its_seed_and_its_length() -> None:
    assert draw(7, 60) == draw(7, 60)
    assert draw(7, 60) != draw(8, 60)
    shorter = set(draw(7, 60))
    assert shorter <= set(draw(7, 120)), "a longer run begins alike"


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_of_a_few_minutes_strikes_everything_and_ends_before_the_traffic(seed: int) -> None:
    plan = draw(seed, 300)

    assert {strike.target for strike in plan} == {*PROCESSES, *SERVERS, *OUTSIDE, CLOCK}
    assert all(strike.at >= 2 and strike.at + strike.lasts <= 298 for strike in plan)
    assert {strike.what for strike in plan if strike.target == "rabbitmq"} == {"killed", "stopped", "frozen"}


def test_no_mail_server_keeps_what_it_has_refused() -> None:
    """Such a refusal means by RFC 5321 that the mail is to be sent again: twins of it would be nobody's fault."""
    lies = rules(Strike(1.0, "mailbox", "all at once", 5.0, seed=3))

    assert lies == rules(Strike(2.0, "mailbox", "all at once", 5.0, seed=3)), "a function of the strike alone"
    assert {rule["kind"] for rule in lies} == {"delay", "refuse_before_effect", "drop_after_effect"}


def test_the_accountant_names_what_is_lost_doubled_or_from_nowhere() -> None:
    line = compare("things", {"kept", "lost"}, Counter({"kept": 1, "twice": 2, "strange": 1, "maybe": 1}), {"maybe"})

    assert (line.lost, line.doubled, line.unexplained) == (["lost"], ["twice"], ["strange", "twice"])
    assert not line.clean
    assert compare("things", {"kept"}, Counter(["kept"]), {"maybe"}).clean


def accounts(evidence: Evidence, book: Book) -> dict[str, Line]:
    """A quiet platform with one partner and one browser, but for what the evidence says."""
    names = "organizations people invitations members mails billed entitled seats inbox_members posts deliveries"
    names += " messages conversations auth_processed billing_processed compliance_processed generation_processed"
    names += " inbox_processed publisher_processed checkouts subscriptions changes invoices payments refunds"
    names += " credit_notes lots spends"
    evidence.tables = {name: evidence.tables.get(name, []) for name in names.split()}
    partner = Partner("", "", "ours", heard={"1"})
    nobody = Client(Visitor(Addresses("", "", "", ""), httpx.AsyncClient(), ""), book, asyncio.Event())
    browser = Browser(nobody, "ours", lambda: 0.0, heard=["1"], since=0.0)
    found = Accounts(book, evidence, Topology("test"), [partner], [browser]).lines()
    return {line.what: line for line in found}


def test_an_event_that_a_listener_was_not_told_is_lost() -> None:
    facts = [Fact(each, "auth.member.added.v1", f"member {each}", "ours", 100.0) for each in ("1", "2")]
    lines = accounts(Evidence(facts=facts, history={"1"}), Book())

    assert lines["events at partners"].lost == ["2"]
    assert lines["events in the history"].lost == ["2"]
    assert lines["events at browsers"].lost == ["0 2"]
    assert len(lines["events applied by each subscriber, once"].lost) == 4  # billing and inbox, both events
    assert len(lines["facts told, under one id each"].unexplained) == 2  # there are no such members


def test_a_post_that_failed_or_that_nobody_knows_of_is_not_explained() -> None:
    deliveries = [("1", "Post 1", "ours", "published", ""), ("2", "Post 2", "ours", "failed", "422")]
    posts = Counter({"Post 1 @ 7": 2, "Post 3 @ 7": 1})
    evidence = Evidence(tables={"deliveries": deliveries}, pages={"ours": "7"}, posts=posts)
    line = accounts(evidence, Book())["posts live at LinkedIn, once"]

    assert line.doubled == ["Post 1 @ 7"]
    assert line.unexplained == ["Post 3 @ 7", "failed 422: Post 2"]


def test_messages_of_a_contact_must_stand_in_the_order_of_writing() -> None:
    book = Book()
    for number in (1, 2, 10):
        book.accept(books.SAID, f"Message {number} of sam", str(number))
    shown = {"sam": ["Message 1 of sam", "Message 10 of sam", "Message 2 of sam"]}
    line = accounts(Evidence(conversations=shown), book)["messages received, once, in order"]

    assert not line.lost
    assert len(line.unexplained) == 1


def test_a_mail_may_arrive_as_often_as_its_category_promises() -> None:
    mails = [("<a@x>", "account", "sent"), ("<b@x>", "invitations", "sent"), ("<c@x>", "account", "sent")]
    evidence = Evidence(tables={"mails": mails}, mails=Counter({"<a@x>": 2, "<b@x>": 2}))
    line = accounts(evidence, Book())["mails, no more often than promised"]

    assert line.lost == ["c@x"]
    assert line.doubled == ["b@x 2 times"]


def money(**here: list[tuple[Any, ...]]) -> Evidence:
    """One customer of Stripe's on Pro, who has paid 49 and been given 10 back, and what we say of them."""
    pro = {"items": {"data": [{"price": {"lookup_key": "pro_month_eur_v1"}}]}, "pause_collection": None}
    there: dict[str, list[dict[str, Any]]] = {
        "customer": [{"id": "cus", "metadata": {"organization_id": "org"}}],
        "subscription": [{"id": "sub", "customer": "cus", "status": "active", **pro}],
        "invoice": [
            {"id": "in", "customer": "cus", "status": "paid", "total": 4900, "amount_paid": 4900, "currency": "eur"}
            | {"amount_remaining": 0}
        ],
        "payment_intent": [{"id": "pi", "status": "succeeded", "amount_received": 4900, "currency": "eur"}],
        "charge": [
            {"customer": "cus", "payment_intent": "pi", "amount": 4900, "amount_refunded": 1000, "paid": True}
        ],
        "refund": [
            {"id": "re", "status": "succeeded", "amount": 1000, "currency": "eur", "metadata": {"row_id": "refund"}}
        ],
    }
    ours: dict[str, list[tuple[Any, ...]]] = {
        "subscriptions": [("sub", "active")],
        "entitled": [("org", "pro", 2)],
        "invoices": [("invoice", "in", "paid", 4900, 0, 4900, 0, 0, "eur")],
        "payments": [("payment", "pi", "succeeded", 4900, 1000, "eur")],
        "refunds": [("refund", "re", "succeeded", 1000, "eur")],
    }
    return Evidence(tables=ours | here, stripe=there)


def unclean(evidence: Evidence, book: Book) -> dict[str, Line]:
    """The lines about money that do not agree; accepting a refund is what was promised."""
    book.asked[books.REFUND].add("mark")
    book.accept(books.REFUND, "mark", "refund")
    found = accounts(evidence, book)
    return {
        what: found[what] for what in (line.what for line in Cents(book, evidence).lines()) if not found[what].clean
    }


def test_books_that_agree_to_the_cent_are_clean() -> None:
    assert not unclean(money(), Book())


def test_a_cent_that_differs_a_second_charge_and_a_plan_for_nothing_are_told() -> None:
    evidence = money(
        entitled=[("org", "agency", 1)],
        payments=[("payment", "pi", "succeeded", 4899, 1000, "eur")],
        lots=[("lot", "org", 10, 4, 5)],
        spends=[("spend", "org", 5)],
    )
    evidence.stripe["charge"] *= 2
    evidence.stripe["refund"] *= 2
    evidence.stripe["subscription"] *= 2
    wrong = unclean(evidence, Book())

    assert wrong["payments at Stripe, to the cent"].lost == ["pi 4900 eur"]
    assert wrong["customers charged for their invoices alone"].unexplained == ["cus: 9800 charged, 4900 paid"]
    assert wrong["refunds at Stripe, to the cent"].doubled == ["refund re succeeded 1000 eur"]
    assert wrong["payments refunded, to the cent"].unexplained == ["pi: 1000 here, 2000 there"]
    assert wrong["one customer, one subscription"].doubled == ["2 live subscriptions of cus"]
    assert wrong["plans follow subscriptions"].lost == ["org pro"]
    assert wrong["credits add up"].unexplained == ["org: 10 granted, 5 spent, 4 left"]
    assert wrong["credits spent, once"].unexplained == ["spend 5"], "nobody has asked for it"


def test_what_was_accepted_and_is_gone_or_was_never_asked_for_is_told() -> None:
    gone = unclean(money(refunds=[]), Book())["refunds taken"]
    rows = [("refund", "re", "succeeded", 1000, "eur"), ("x", None, "asked", 1, "eur")]
    more = unclean(money(refunds=rows), Book())

    assert gone.lost == ["refund"]
    assert more["refunds taken"].unexplained == ["x"]


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_a_short_run_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    result, output = tmp_path / "result.json", tmp_path / "output.txt"
    with output.open("w") as file:
        console = Console(file=file, width=160)
        clean = chaos(20, 7, folder=tmp_path / "chaos", result=result, console=console)

    assert clean, output.read_text()
    assert json.loads(result.read_text())["clean"]
