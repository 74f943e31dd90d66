"""Builds the inbox's own parts; the only wiring."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from contracts.consumers import CONSUMERS
from contracts.inbox import InboxErasureAnswered, InboxExportPartReady
from inbox import migrations, worker
from inbox.api import ROUTERS
from inbox.channels.checking import CheckKind
from inbox.channels.service import ChannelService
from inbox.contacts.privacy import ContactHolding
from inbox.contacts.recognizing import Recognizing
from inbox.contacts.service import ContactService
from inbox.conversations.marking import MarkKind
from inbox.conversations.privacy import ConversationHolding
from inbox.conversations.service import ConversationService
from inbox.media.fetching import FetchKind
from inbox.media.privacy import MediaHolding
from inbox.media.service import MediaService
from inbox.media.store import MediaStore
from inbox.media.sweeping import Sweeping
from inbox.members.privacy import MemberHolding, known_in
from inbox.messages.content import Sealing
from inbox.messages.privacy.holding import MessageHolding
from inbox.messages.receiving import Receiving
from inbox.messages.reporting import Reporting
from inbox.messages.sending import SendKind
from inbox.messages.service import MessageService
from inbox.settings import InboxSettings
from inbox.whatsapp.graph import Graph
from inbox.whatsapp.intake import SentIn
from inbox.whatsapp.privacy import SentInHolding
from inbox.whatsapp.source import WhatsAppSource
from kit.db.database import Database
from kit.http.acting import Acting
from kit.http.client import Outbound
from kit.intake.intake import Intake
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Holdings
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Privacy, Service


@dataclass(frozen=True, slots=True)
class Meta:
    """The app at Meta, as settings tell it."""

    graph_url: str
    api_version: str
    app_secret: str
    verify_token: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What the inbox is made of."""

    channels: ChannelService
    contacts: ContactService
    conversations: ConversationService
    messages: MessageService
    media: MediaService
    sweeping: Sweeping
    ledger: Ledger
    intake: Intake
    holdings: Holdings


def build(database: Database, keyring: Keyring, outbound: Outbound, meta: Meta, folder: Path) -> Parts:
    """The parts from what they stand on."""
    graph, sealing = Graph(outbound, meta.graph_url, meta.api_version), Sealing(keyring)
    store = MediaStore(folder, keyring, database.clock)
    own = Ledger(
        database,
        [
            SendKind(graph, keyring),
            FetchKind(graph, keyring, store),
            MarkKind(graph, keyring),
            CheckKind(graph, keyring, lambda: own),
        ],
    )
    source = WhatsAppSource(
        app_secret=meta.app_secret,
        verify_token=meta.verify_token,
        receiving=Receiving(own, Recognizing(keyring), sealing),
        reporting=Reporting(own, sealing),
    )
    sent_in = SentIn(meta.app_secret, sealing)
    holdings = (
        SentInHolding(database, sent_in),
        MediaHolding(database, keyring, store, own),
        MessageHolding(database, sealing, own, sent_in),
        ConversationHolding(database),
        ContactHolding(database, keyring),
        MemberHolding(database),
        RequestKeys(database),
    )
    return Parts(
        channels=ChannelService(database, own, keyring, enabled=bool(meta.app_secret and meta.verify_token)),
        contacts=ContactService(database, keyring),
        conversations=ConversationService(database, own, keyring),
        messages=MessageService(database, own, sealing),
        media=MediaService(database, keyring, store),
        sweeping=Sweeping(database, store),
        ledger=own,
        intake=Intake(database, [source], keyring),
        holdings=Holdings(holdings, known_in),
    )


@asynccontextmanager
async def open_parts(backbone: Backbone[InboxSettings]) -> AsyncIterator[Parts]:
    """Build the parts; none of them needs closing."""
    settings = backbone.settings
    meta = Meta(
        settings.meta_graph_url,
        settings.meta_api_version,
        settings.meta_app_secret.get_secret_value(),
        settings.meta_verify_token.get_secret_value(),
    )
    folder = Path(settings.media_folder or Path(tempfile.gettempdir()) / "rostrum-media")
    yield build(backbone.database, backbone.keyring, backbone.outbound, meta, folder)


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (parts.channels, parts.contacts, parts.conversations, parts.messages, parts.media)


def mounts(parts: Parts) -> Mapping[str, ASGIApp]:
    """Doors that take bytes as they are."""
    return {"/v1/webhooks/whatsapp": parts.intake.asgi("whatsapp")}


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming and relaying."""
    return worker.loops(parts.intake, parts.sweeping)


def ledger(parts: Parts) -> Ledger:
    """Where what is to be done outside stands."""
    return parts.ledger


def privacy(parts: Parts) -> Privacy:
    """What is held about people, in the order in which it is let go of."""
    return Privacy(parts.holdings, InboxExportPartReady, InboxErasureAnswered)


SERVICE: Final = Service(
    name="inbox",
    title="Inbox",
    settings=InboxSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    mounts=mounts,
    ledger=ledger,
    privacy=privacy,
    subscriptions=worker.SUBSCRIPTIONS,
    consumers=CONSUMERS,
    acting=Acting("inbox.request.impersonated"),
)
