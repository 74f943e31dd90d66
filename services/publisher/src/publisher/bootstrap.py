"""Builds the publisher's own parts; the only wiring."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp

from contracts import EVENTS
from contracts.consumers import CONSUMERS
from contracts.publisher import PublisherErasureAnswered, PublisherExportPartReady
from kit.db.database import Database
from kit.http.acting import Acting
from kit.http.client import Outbound
from kit.intake.intake import Intake
from kit.ledger.ledger import Ledger
from kit.messaging.partners import PartnerBridge
from kit.messaging.topology import Topology
from kit.privacy.holding import Holdings
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Privacy, Service
from postrules.limits import Platform as PlatformName
from publisher import migrations, worker
from publisher.accounts.privacy import AccountHolding
from publisher.accounts.renewing import TokenRenewal
from publisher.accounts.sealing import AccountSeal
from publisher.accounts.service import AccountService, AccountWatch
from publisher.api import ROUTERS
from publisher.connections.exchange import CodeExchange
from publisher.connections.privacy import ConnectionHolding
from publisher.connections.router import CALLBACK, Addresses
from publisher.connections.service import ConnectionService, ConnectionSweeper
from publisher.deliveries.kind import Deliveries
from publisher.deliveries.privacy import DeliveryHolding
from publisher.engagements.source import LinkedInSource
from publisher.notifications.kind import Subscriptions
from publisher.notifications.model import Notices
from publisher.notifications.service import NotificationService
from publisher.partner_queues.broker import RabbitQueues
from publisher.partner_queues.service import PartnerQueueService
from publisher.partner_queues.work import OpenQueues, PartnerQueueWork
from publisher.persons.repository import known_in
from publisher.platforms.base import Platform
from publisher.platforms.linkedin import LinkedIn
from publisher.platforms.linkedin_api import LinkedInApi
from publisher.platforms.linkedin_notices import LinkedInNotices
from publisher.platforms.linkedin_oauth import LinkedInOAuth
from publisher.platforms.versions import VersionWatch
from publisher.posts.privacy import PostHolding
from publisher.posts.service import PostService
from publisher.settings import PublisherSettings

WEBHOOK: Final = "/v1/webhooks/linkedin"


@dataclass(frozen=True, slots=True)
class Publishing:
    """Everything but partner queues."""

    ledger: Ledger
    intake: Intake
    addresses: Addresses
    accounts: AccountService
    connections: ConnectionService
    posts: PostService
    account_watch: AccountWatch
    connection_sweeper: ConnectionSweeper
    version_watch: VersionWatch
    holdings: Holdings


def publishing(settings: PublisherSettings, database: Database, keyring: Keyring, outbound: Outbound) -> Publishing:
    """Build it; nothing of it needs closing."""
    platforms = {PlatformName.LINKEDIN: linkedin(settings, outbound)}
    seal = AccountSeal(keyring, database.clock.now)
    ledger, notifications = _ledger(database, platforms, _notices(settings, outbound), seal)
    secret = settings.linkedin_client_secret.get_secret_value()
    return Publishing(
        ledger=ledger,
        intake=Intake(database, [LinkedInSource(secret, seal)], keyring),
        addresses=Addresses(settings.console_url, settings.public_url.startswith("https:")),
        accounts=AccountService(database, ledger, notifications, seal),
        connections=ConnectionService(database, platforms, keyring, ledger),
        posts=PostService(database, ledger),
        account_watch=AccountWatch(database),
        connection_sweeper=ConnectionSweeper(database),
        version_watch=VersionWatch(database.clock),
        holdings=_holdings(database, ledger, seal),
    )


def _holdings(database: Database, ledger: Ledger, seal: AccountSeal) -> Holdings:
    """What is held about people, in the order in which it is let go of."""
    holdings = (
        ConnectionHolding(database, ledger),
        AccountHolding(database, ledger, seal),
        DeliveryHolding(database),
        PostHolding(database),
        RequestKeys(database),
    )
    return Holdings(holdings, known_in)


def linkedin(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """LinkedIn, as the settings say."""
    oauth = LinkedInOAuth(
        outbound,
        settings.linkedin_oauth_url.rstrip("/"),
        (settings.linkedin_consent_url or settings.linkedin_oauth_url).rstrip("/"),
        settings.linkedin_client_id,
        settings.linkedin_client_secret.get_secret_value(),
        settings.public_url.rstrip("/") + CALLBACK,
        settings.linkedin_scopes,
    )
    return LinkedIn(_api(settings, outbound), oauth)


def _api(settings: PublisherSettings, outbound: Outbound) -> LinkedInApi:
    return LinkedInApi(outbound, settings.linkedin_api_url.rstrip("/"))


def _notices(settings: PublisherSettings, outbound: Outbound) -> Mapping[PlatformName, Notices]:
    webhook = settings.public_url.rstrip("/") + WEBHOOK
    linked_in = LinkedInNotices(_api(settings, outbound), settings.linkedin_application_urn, webhook)
    return {PlatformName.LINKEDIN: linked_in}


def _ledger(
    database: Database,
    platforms: Mapping[PlatformName, Platform],
    notices: Mapping[PlatformName, Notices],
    seal: AccountSeal,
) -> tuple[Ledger, NotificationService]:
    def ledger() -> Ledger:  # what a kind records may change other effects
        return made

    notifications = NotificationService(database, ledger, notices)
    made = Ledger(
        database,
        [
            Deliveries(database, platforms, seal, ledger),
            TokenRenewal(platforms, seal, ledger),
            CodeExchange(database, platforms, seal, ledger, notifications),
            Subscriptions(notices, seal, ledger),
        ],
    )
    return made, notifications


@dataclass(frozen=True, slots=True)
class Parts:
    """What the publisher is made of."""

    topology: Topology
    partner_queues: PartnerQueueService
    partner_queue_work: PartnerQueueWork
    bridge: PartnerBridge
    publishing: Publishing


@asynccontextmanager
async def open_parts(backbone: Backbone[PublisherSettings]) -> AsyncIterator[Parts]:
    """Build the parts; none of them needs closing."""
    database, broker, topology = backbone.database, backbone.broker, backbone.topology
    yield Parts(
        topology=topology,
        partner_queues=PartnerQueueService(database),
        partner_queue_work=PartnerQueueWork(database, RabbitQueues(broker, topology)),
        bridge=PartnerBridge(database, broker, topology, EVENTS, OpenQueues(database).among),
        publishing=publishing(backbone.settings, database, backbone.keyring, backbone.outbound),
    )


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    made = parts.publishing
    return (
        parts.partner_queues,
        parts.topology,
        made.posts,
        made.accounts,
        made.connections,
        made.addresses,
    )


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming, relaying and what the ledger does."""
    made = parts.publishing
    return (
        *worker.loops(parts.bridge, parts.partner_queue_work),
        *worker.publishing_loops(made.intake, made.account_watch, made.connection_sweeper, made.version_watch),
    )


def mounts(parts: Parts) -> Mapping[str, ASGIApp]:
    """What receives webhooks."""
    return {WEBHOOK: parts.publishing.intake.asgi("linkedin")}


def ledger(parts: Parts) -> Ledger:
    """What is to be done outside."""
    return parts.publishing.ledger


def privacy(parts: Parts) -> Privacy:
    """What is held about people, and how it is answered for."""
    return Privacy(parts.publishing.holdings, PublisherExportPartReady, PublisherErasureAnswered)


SERVICE: Final = Service(
    name="publisher",
    title="Publisher",
    settings=PublisherSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    subscriptions=worker.SUBSCRIPTIONS,
    consumers=CONSUMERS,
    mounts=mounts,
    ledger=ledger,
    privacy=privacy,
    acting=Acting("publisher.request.impersonated"),
)
