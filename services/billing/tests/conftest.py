import base64
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest

from billing import migrations
from billing.api import ROUTERS
from billing.credit_notes.kind import Correcting
from billing.credit_notes.service import CreditNoteService
from billing.credits.service import CreditService
from billing.disputes.service import DisputeService
from billing.entitlements.service import EntitlementService
from billing.invoices.service import InvoiceService
from billing.organizations.service import OrganizationService
from billing.payments.service import PaymentService
from billing.pays.kind import Paying
from billing.refunds.kind import Refunding
from billing.refunds.service import RefundService
from billing.seats.service import SeatService
from billing.sponsorships.service import SponsorshipService
from billing.stripe_api import StripeApi
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.tokens import staff_audience
from kit.ledger.ledger import Ledger
from kit.testing.databases import Databases, TestDatabase
from kit.testing.outside import running_sandbox
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .hearing import Ear
from .shop import Shop, shop_at

if TYPE_CHECKING:
    from .story import Story

Asking = Callable[..., httpx.AsyncClient]
Employing = Callable[..., httpx.AsyncClient]
"""A client of a member of staff who may do this and that."""
OFF = StripeApi("", "http://127.0.0.1:1", "2026-08-26.dahlia")
MASTER = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"billing": migrations})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("billing"), name="billing test", pool_size=8, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def ear(database: Database) -> Ear:
    return Ear(database)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """What is done at Stripe, which is switched off."""
    return Ledger(database, [Paying(OFF), Refunding(OFF), Correcting(OFF)])


def money(ledger: Ledger, stripe: StripeApi = OFF) -> Sequence[object]:
    """What endpoints ask for about money."""
    return (
        InvoiceService(ledger.database, stripe),
        PaymentService(ledger.database, ledger, stripe),
        RefundService(ledger.database, ledger),
        CreditNoteService(ledger.database, ledger),
        DisputeService(ledger.database),
        SponsorshipService(ledger.database),
        SeatService(ledger.database),
    )


@pytest.fixture
async def asking(database: Database, issuer: Issuer, ledger: Ledger) -> AsyncIterator[Asking]:
    """A client of the real application, with the token of a member of that organization."""
    app = create_app(
        service="billing",
        title="Billing",
        routers=ROUTERS,
        parts=[OrganizationService(database), EntitlementService(database), CreditService(database), *money(ledger)],
        verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
    )
    clients: list[httpx.AsyncClient] = []

    def client(organization_id: UUID | None, by: Issuer = issuer, **claims: Any) -> httpx.AsyncClient:
        token = by.token(database.clock.now(), organization_id, **claims)
        clients.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://billing.test",
                headers={"authorization": f"Bearer {token}"},
            )
        )
        return clients[-1]

    yield client
    for opened in clients:
        await opened.aclose()


@pytest.fixture
def employing(asking: Asking) -> Employing:
    def client(*permissions: str) -> httpx.AsyncClient:
        return asking(
            None,
            aud=staff_audience(AUDIENCE),
            principal="staff",
            staff_role="operator",
            permissions=" ".join(permissions),
        )

    return client


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """The outside world as a program of its own, shared by the tests of one worker."""
    with running_sandbox() as sandbox:
        yield sandbox.url


@pytest.fixture
async def shop(sandbox_url: str, place: TestDatabase, database: Database) -> AsyncIterator[Shop]:
    """Billing before the sandbox's Stripe, which begins anew."""
    async with (
        httpx.AsyncClient(base_url=sandbox_url, timeout=60, verify=False) as sandbox,
        shop_at(sandbox, place, database) as made,
    ):
        yield made


@pytest.fixture
async def story(sandbox_url: str, place: TestDatabase, database: Database) -> "AsyncIterator[Story]":
    """Billing as its people meet it, before the sandbox's Stripe, which begins anew."""
    from .story import Story

    async with Story.told(place, database, sandbox_url) as told:
        yield told
