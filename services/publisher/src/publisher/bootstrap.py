"""Builds the publisher's own parts; the only wiring."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.types import ASGIApp

from contracts import EVENTS
from contracts.consumers import CONSUMERS
from contracts.publisher import PublisherErasureAnswered, PublisherExportPartReady
from kit.db.database import Database
from kit.http.acting import Acting
from kit.http.client import Outbound
from kit.intake.intake import Intake
from kit.intake.model import Source
from kit.jobs.jobs import Jobs
from kit.ledger.ledger import Ledger
from kit.messaging.partners import PartnerBridge
from kit.messaging.topology import Topology
from kit.privacy.holding import Holding, Holdings
from kit.privacy.kept_rows import KeptRows
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Privacy, Service
from postrules.limits import Platform as PlatformName
from postrules.versions import SPOKEN
from publisher import migrations, worker
from publisher.accounts.privacy import AccountHolding
from publisher.accounts.renewing import TokenRenewal
from publisher.accounts.sealing import AccountSeal
from publisher.accounts.service import AccountService, AccountWatch
from publisher.api import ROUTERS
from publisher.budgets.reading import Reading
from publisher.connections.exchange import CodeExchange
from publisher.connections.privacy import ConnectionHolding
from publisher.connections.router import CALLBACK, Addresses
from publisher.connections.service import ConnectionService, ConnectionSweeper
from publisher.deliveries.kind import Deliveries
from publisher.deliveries.privacy import DeliveryHolding
from publisher.deliveries.processing import Waiting
from publisher.deliveries.progress import Progress
from publisher.deliveries.sending import Sending
from publisher.deliveries.stepping import Steps
from publisher.engagements.counting import Counting
from publisher.engagements.meta import MetaSource
from publisher.engagements.notices import Notices as WebhookNotices
from publisher.engagements.source import LinkedInSource
from publisher.engagements.tiktok_source import TikTokSource
from publisher.engagements.x_source import XSource
from publisher.handovers.repository import PersonsHandovers
from publisher.handovers.service import Handovers
from publisher.media.library import MediaParts
from publisher.media.model import LARGEST_FILM
from publisher.media.privacy import MediaHolding
from publisher.media.source import MediaSource
from publisher.media.upload_router import PATH as UPLOADS
from publisher.notifications.kind import Subscriptions
from publisher.notifications.model import Notices
from publisher.notifications.service import NotificationService
from publisher.partner_queues.broker import RabbitQueues
from publisher.partner_queues.service import PartnerQueueService
from publisher.partner_queues.work import OpenQueues, PartnerQueueWork
from publisher.persons.repository import known_in
from publisher.platforms import tiktok, x, youtube
from publisher.platforms.base import Platform
from publisher.platforms.canary import Canary, Question
from publisher.platforms.linkedin import LinkedIn
from publisher.platforms.linkedin.api import LinkedInApi
from publisher.platforms.linkedin.notices import LinkedInNotices
from publisher.platforms.linkedin.oauth import login
from publisher.platforms.login import Application
from publisher.platforms.meta.facebook import OUTCOMES as OF_FACEBOOK
from publisher.platforms.meta.facebook import Facebook
from publisher.platforms.meta.graph import GraphApi
from publisher.platforms.meta.instagram import OUTCOMES as OF_INSTAGRAM
from publisher.platforms.meta.instagram import Instagram
from publisher.platforms.meta.notices import MetaNotices
from publisher.platforms.meta.oauth import FacebookLogin
from publisher.platforms.meta.threads import Threads
from publisher.platforms.meta.threads_oauth import ThreadsLogin
from publisher.platforms.versions import VersionWatch
from publisher.posts.previewing import PreviewService
from publisher.posts.repository import PersonsPosts
from publisher.posts.service import PostService
from publisher.scheduling import Scheduling
from publisher.settings import PublisherSettings
from publisher.withdrawals.model import Wish
from publisher.withdrawals.noting import Withdrawals
from publisher.withdrawals.router import STATUS as DELETION_STATUS
from publisher.withdrawals.service import WithdrawalService
from publisher.withdrawals.source import SignedRequestSource

WEBHOOK: Final = "/v1/webhooks/{source}"


@dataclass(frozen=True, slots=True)
class Publishing:
    """Everything but partner queues."""

    ledger: Ledger
    sources: Sequence[str]
    intake: Intake
    addresses: Addresses
    accounts: AccountService
    connections: ConnectionService
    posts: PostService
    previews: PreviewService
    scheduling: Scheduling
    media: MediaParts
    library: Sequence[object]
    account_watch: AccountWatch
    connection_sweeper: ConnectionSweeper
    version_watch: VersionWatch
    withdrawals: WithdrawalService
    canary: Canary
    handovers: Handovers
    holdings: Holdings


def publishing(
    settings: PublisherSettings,
    database: Database,
    keyring: Keyring,
    outbound: Outbound,
    media: MediaSource | None = None,
) -> Publishing:
    """Build it; nothing of it needs closing."""
    platforms = _platforms(settings, outbound)
    seal = AccountSeal(keyring, database.clock.now)
    stored = MediaParts.built(database, keyring, settings.media_url, settings.public_url)
    ledger: Ledger
    sending = Sending(database, platforms, seal, media or stored.source, stored.renditions(lambda: ledger))
    ledger, notifications = _ledger(sending, _notices(settings, outbound), stored)
    sources = _sources(settings, seal)
    scheduling = Scheduling.build(sending, ledger)
    return Publishing(
        ledger=ledger,
        sources=[source.name for source in sources],
        intake=Intake(database, sources, keyring),
        addresses=Addresses(settings.console_url, settings.public_url.startswith("https:")),
        accounts=AccountService(database, ledger, notifications, seal),
        connections=ConnectionService(database, platforms, keyring, ledger),
        posts=PostService(database, ledger, sending),
        previews=PreviewService(database, platforms, sending.media),
        scheduling=scheduling,
        media=stored,
        library=stored.services(ledger),
        account_watch=AccountWatch(database),
        connection_sweeper=ConnectionSweeper(database),
        version_watch=VersionWatch(database.clock),
        withdrawals=WithdrawalService(database, ledger),
        canary=Canary(outbound, database.clock, _questions(settings, platforms)),
        handovers=Handovers(database, keyring, sending, ledger),
        holdings=_holdings(database, ledger, seal, stored, scheduling),
    )


def _holdings(
    database: Database, ledger: Ledger, seal: AccountSeal, stored: MediaParts, scheduling: Scheduling
) -> Holdings:
    """What is held about people, in the order in which it is let go of."""
    holdings: Sequence[Holding] = (
        ConnectionHolding(database, ledger),
        AccountHolding(database, ledger, seal),
        DeliveryHolding(database),
        KeptRows(database, "posts", PersonsPosts),
        KeptRows(database, "handovers", PersonsHandovers),
        MediaHolding(database, stored.store),
        *scheduling.holdings(),
        RequestKeys(database),
    )
    return Holdings(holdings, known_in)


def _platforms(settings: PublisherSettings, outbound: Outbound) -> Mapping[PlatformName, Platform]:
    """Every platform, each as the settings say."""
    return {
        PlatformName.LINKEDIN: linkedin(settings, outbound),
        PlatformName.FACEBOOK: facebook(settings, outbound),
        PlatformName.INSTAGRAM: instagram(settings, outbound),
        PlatformName.THREADS: threads(settings, outbound),
        PlatformName.X: _x(settings, outbound),
        PlatformName.YOUTUBE: _youtube(settings, outbound),
        PlatformName.TIKTOK: _tiktok(settings, outbound),
    }


def _questions(
    settings: PublisherSettings, platforms: Mapping[PlatformName, Platform]
) -> Mapping[PlatformName, Question]:
    """What is there in the version of each API that we speak, for the platforms that are switched on."""
    linked_in = {"linkedin-version": SPOKEN[PlatformName.LINKEDIN].name, "x-restli-protocol-version": "2.0.0"}
    asked = {
        PlatformName.LINKEDIN: (settings.linkedin_api_url, "/rest/organizationAcls?q=roleAssignee"),
        PlatformName.FACEBOOK: (settings.facebook_graph_url, f"/{SPOKEN[PlatformName.FACEBOOK].name}/me"),
        PlatformName.INSTAGRAM: (settings.instagram_graph_url, f"/{SPOKEN[PlatformName.INSTAGRAM].name}/me"),
        PlatformName.THREADS: (settings.threads_graph_url, f"/{SPOKEN[PlatformName.THREADS].name}/me"),
        PlatformName.X: (settings.x_api_url, "/2/users/me"),
        PlatformName.YOUTUBE: (settings.youtube_api_url, "/youtube/v3/channels?part=id&mine=true"),
        PlatformName.TIKTOK: (settings.tiktok_api_url, "/v2/user/info/?fields=open_id"),
    }
    return {
        name: Question(url.rstrip("/") + path, linked_in if name is PlatformName.LINKEDIN else {})
        for name, (url, path) in asked.items()
        if platforms[name].on
    }


def _sources(settings: PublisherSettings, seal: AccountSeal) -> Sequence[Source]:
    """Who sends webhooks."""
    of_meta = {
        PlatformName.FACEBOOK: settings.facebook_client_secret.get_secret_value(),
        PlatformName.INSTAGRAM: settings.instagram_client_secret.get_secret_value(),
        PlatformName.THREADS: settings.threads_client_secret.get_secret_value(),
    }
    status_url = settings.public_url.rstrip("/") + DELETION_STATUS
    counting = {platform: Counting(platform, seal) for platform in of_meta}

    def notices(platform: PlatformName) -> WebhookNotices:
        return WebhookNotices(Withdrawals(platform, seal), Counting(platform, seal))

    return (
        LinkedInSource(settings.linkedin_client_secret.get_secret_value(), Counting(PlatformName.LINKEDIN, seal)),
        MetaSource(tuple(of_meta.values()), settings.facebook_verify_token.get_secret_value(), counting),
        SignedRequestSource(Wish.DEAUTHORIZE, of_meta, seal, status_url),
        SignedRequestSource(Wish.DELETE, of_meta, seal, status_url),
        XSource(settings.x_consumer_secret.get_secret_value(), notices(PlatformName.X)),
        TikTokSource(
            settings.tiktok_client_secret.get_secret_value(),
            notices(PlatformName.TIKTOK),
            lambda: datetime.now(UTC),  # TikTok signs by its own clock, whatever ours was set to
        ),
    )


def _callback(settings: PublisherSettings, platform: PlatformName) -> str:
    """Where browsers come back to us from this platform."""
    return settings.public_url.rstrip("/") + CALLBACK.format(platform=platform)


def linkedin(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """LinkedIn, as the settings say."""
    base_url = settings.linkedin_oauth_url.rstrip("/")
    consent_url = (settings.linkedin_consent_url or settings.linkedin_oauth_url).rstrip("/")
    application = Application(
        settings.linkedin_client_id,
        settings.linkedin_client_secret.get_secret_value(),
        _callback(settings, PlatformName.LINKEDIN),
        settings.linkedin_scopes,
    )
    return LinkedIn(_api(settings, outbound), login(outbound, application, base_url, consent_url))


def facebook(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """Facebook pages, as the settings say."""
    graph = _facebook_graph(settings, outbound)
    login = FacebookLogin(
        outbound,
        "Facebook",
        graph.base_url,
        settings.facebook_consent_url.rstrip("/"),
        graph.version,
        settings.facebook_client_id,
        graph.secret,
        _callback(settings, PlatformName.FACEBOOK),
        settings.facebook_scopes,
    )
    return Facebook(graph, login, settings.facebook_upload_url.rstrip("/"))


def instagram(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """Instagram by Facebook Login, as the settings say."""
    graph = _instagram_graph(settings, outbound)
    login = FacebookLogin(
        outbound,
        "Instagram",
        graph.base_url,
        settings.instagram_consent_url.rstrip("/"),
        graph.version,
        settings.instagram_client_id,
        graph.secret,
        _callback(settings, PlatformName.INSTAGRAM),
        settings.instagram_scopes,
    )
    return Instagram(graph, login)


def _facebook_graph(settings: PublisherSettings, outbound: Outbound) -> GraphApi:
    secret, version = settings.facebook_client_secret.get_secret_value(), SPOKEN[PlatformName.FACEBOOK].name
    return GraphApi(outbound, settings.facebook_graph_url.rstrip("/"), version, secret)


def _instagram_graph(settings: PublisherSettings, outbound: Outbound) -> GraphApi:
    secret, version = settings.instagram_client_secret.get_secret_value(), SPOKEN[PlatformName.INSTAGRAM].name
    return GraphApi(outbound, settings.instagram_graph_url.rstrip("/"), version, secret)


def threads(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """Threads, as the settings say."""
    graph = GraphApi(outbound, settings.threads_graph_url.rstrip("/"), SPOKEN[PlatformName.THREADS].name)
    login = ThreadsLogin(
        outbound,
        graph.base_url,
        settings.threads_consent_url.rstrip("/"),
        settings.threads_client_id,
        settings.threads_client_secret.get_secret_value(),
        _callback(settings, PlatformName.THREADS),
        settings.threads_scopes,
    )
    return Threads(graph, login)


def _x(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """X, as the settings say."""
    application = Application(
        settings.x_client_id,
        settings.x_client_secret.get_secret_value(),
        _callback(settings, PlatformName.X),
        settings.x_scopes,
    )
    return x.X.of(outbound, settings.x_api_url.rstrip("/"), settings.x_consent_url.rstrip("/"), application)


def _youtube(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """YouTube, as the settings say."""
    addresses = youtube.Addresses(
        settings.youtube_consent_url, settings.youtube_token_url, settings.youtube_api_url.rstrip("/")
    )
    application = Application(
        settings.youtube_client_id,
        settings.youtube_client_secret.get_secret_value(),
        _callback(settings, PlatformName.YOUTUBE),
        settings.youtube_scopes,
    )
    return youtube.YouTube.of(outbound, addresses, application, settings.youtube_uploads_a_day)


def _tiktok(settings: PublisherSettings, outbound: Outbound) -> Platform:
    """TikTok, as the settings say."""
    api_url, consent_url = settings.tiktok_api_url.rstrip("/"), settings.tiktok_consent_url.rstrip("/")
    application = Application(
        settings.tiktok_client_key,
        settings.tiktok_client_secret.get_secret_value(),
        _callback(settings, PlatformName.TIKTOK),
        settings.tiktok_scopes,
    )
    return tiktok.TikTok.of(outbound, api_url, consent_url, application)


def _api(settings: PublisherSettings, outbound: Outbound) -> LinkedInApi:
    return LinkedInApi(outbound, settings.linkedin_api_url.rstrip("/"))


def _notices(settings: PublisherSettings, outbound: Outbound) -> Mapping[PlatformName, Notices]:
    webhook = settings.public_url.rstrip("/") + WEBHOOK.format(source="linkedin")
    linked_in = LinkedInNotices(_api(settings, outbound), settings.linkedin_application_urn, webhook)
    told = bool(settings.facebook_verify_token.get_secret_value())
    pages, accounts = _facebook_graph(settings, outbound), _instagram_graph(settings, outbound)
    return {
        PlatformName.LINKEDIN: linked_in,
        PlatformName.FACEBOOK: MetaNotices(pages, OF_FACEBOOK, "/{page}/subscribed_apps", "feed", told),
        PlatformName.INSTAGRAM: MetaNotices(accounts, OF_INSTAGRAM, "/me/subscribed_apps", "feed", told),
    }


def _ledger(
    sending: Sending, notices: Mapping[PlatformName, Notices], stored: MediaParts
) -> tuple[Ledger, NotificationService]:
    database, platforms, seal = sending.database, sending.platforms, sending.seal

    def ledger() -> Ledger:  # what a kind records may change other effects
        return made

    notifications, progress = NotificationService(database, ledger, notices), Progress(platforms, ledger)
    made = Ledger(
        database,
        [
            Deliveries(sending, progress),
            Waiting(sending, progress),
            Steps(sending, progress),
            TokenRenewal(platforms, seal, ledger),
            CodeExchange(database, platforms, seal, ledger, notifications),
            Subscriptions(notices, seal, ledger),
            *stored.kinds(ledger),
            Reading(platforms, seal),
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
        made.previews,
        *made.scheduling.for_endpoints(),
        *made.library,
        made.accounts,
        made.connections,
        made.addresses,
        made.withdrawals,
    )


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming, relaying and what the ledger does."""
    made = parts.publishing
    return (
        *worker.loops(parts.bridge, parts.partner_queue_work),
        *worker.publishing_loops(
            made.intake, made.account_watch, made.connection_sweeper, made.version_watch, made.withdrawals
        ),
        *worker.canary_loops(made.canary),
        *made.scheduling.loops(),
        made.handovers.loop(),
    )


def mounts(parts: Parts) -> Mapping[str, ASGIApp]:
    """What receives webhooks."""
    made = parts.publishing
    return {WEBHOOK.format(source=name): made.intake.asgi(name) for name in made.sources}


def ledger(parts: Parts) -> Ledger:
    """What is to be done outside."""
    return parts.publishing.ledger


def jobs(parts: Parts) -> Jobs:
    """What is done in bulk."""
    return parts.publishing.scheduling.jobs


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
    jobs=jobs,
    privacy=privacy,
    acting=Acting("publisher.request.impersonated"),
    large_bodies={UPLOADS: LARGEST_FILM},
)
