"""An organization is one customer of Stripe's, whatever happens."""

import asyncpg
import pytest

from billing.customers.kind import KIND, CustomerCreation
from billing.customers.repository import CustomerRepository
from billing.customers.service import CustomerService
from billing.errors import PaymentsOff
from billing.stripe_api import LANE, StripeApi
from kit.db.database import Database
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, Settled, Status
from kit.seal import Keyring, LocalMasterKey

from .conftest import MASTER
from .hearing import NOW, Ear

OFF = StripeApi("", "http://127.0.0.1:1", "2026-08-26.dahlia")


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, [CustomerCreation(OFF)])


async def test_where_nothing_is_sold_that_is_said(database: Database, ledger: Ledger) -> None:
    with pytest.raises(PaymentsOff):
        await CustomerService(database, ledger, OFF, Keyring(database, LocalMasterKey.from_text(MASTER))).ensure(
            new_id()
        )


async def test_a_customer_that_stripe_has_made_is_kept_and_told_once(
    database: Database, ledger: Ledger, ear: Ear
) -> None:
    ours = new_id()
    async with database.transaction(ours) as tx:
        customer = await CustomerRepository(tx).take(ours)
        assert await CustomerRepository(tx).take(ours) == customer
    entry = Entry(new_id(), KIND, ours, LANE, customer.id, 1, NOW, NOW, NOW)
    for _ in range(2):
        async with database.transaction(ours) as tx:
            settled = Settled(entry, Status.DONE, "call", NOW, NOW, external_id="cus_1")
            await ledger.kinds[KIND].record(tx, [settled])
    async with database.transaction(ours) as tx:
        found = await CustomerRepository(tx).find(ours)
    assert found
    assert (found.id, found.stripe_id, found.state, found.version) == (customer.id, "cus_1", "made", 2)
    assert [line.action for line in await ear.audited(ours)] == ["billing.customer.created"]
    async with database.transaction() as tx:
        assert await CustomerRepository(tx).owners(["cus_1", "cus_2"]) == {"cus_1": ours}


async def test_no_two_organizations_are_one_customer_and_none_sees_anothers(database: Database) -> None:
    ours, theirs = new_id(), new_id()
    for organization in (ours, theirs):
        async with database.transaction(organization) as tx:
            await CustomerRepository(tx).take(organization)
    async with database.transaction(ours) as tx:
        customers = CustomerRepository(tx)
        assert await customers.find(theirs) is None
        mine = await customers.take(ours)
        await customers.made(mine.id, "cus_1")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction(theirs) as tx:
            customers = CustomerRepository(tx)
            await customers.made((await customers.take(theirs)).id, "cus_1")
