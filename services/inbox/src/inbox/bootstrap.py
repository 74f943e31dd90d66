"""Builds the inbox's own parts; the only wiring."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from contracts.consumers import CONSUMERS
from contracts.inbox import InboxErasureAnswered, InboxExportPartReady
from inbox import migrations, worker
from inbox.allowances.service import AllowanceService
from inbox.api import LARGE_BODIES, ROUTERS
from inbox.arrangement.privacy import ArrangementHolding
from inbox.assignment.giving import Giving
from inbox.assignment.presence import Presence
from inbox.assignment.privacy import AgentHolding
from inbox.assignment.service import AssignmentService
from inbox.attributes.privacy import AttributeHolding
from inbox.attributes.service import AttributeService
from inbox.attributes.sweeping import AttributeSweeping
from inbox.broadcasts.feeding import Feeding
from inbox.broadcasts.hearing import Hearing
from inbox.broadcasts.links.model import Links
from inbox.broadcasts.links.service import LinkService
from inbox.broadcasts.preparing import Preparing
from inbox.broadcasts.privacy import RecipientHolding
from inbox.broadcasts.senders.braking import Braking
from inbox.broadcasts.senders.judging import Judging
from inbox.broadcasts.senders.service import PaceService
from inbox.broadcasts.sending import BroadcastKind
from inbox.broadcasts.service import BroadcastService
from inbox.broadcasts.zones.service import ZoneService
from inbox.canned_replies.service import CannedReplyService
from inbox.channels.applying import Applying
from inbox.channels.base import Platform
from inbox.channels.checking import CheckKind
from inbox.channels.service import ChannelService
from inbox.channels.viewing.addressing import addressed
from inbox.channels.viewing.narrowing import statement
from inbox.channels.viewing.privacy import ViewingHolding
from inbox.channels.viewing.releasing import Releasing
from inbox.channels.viewing.service import ViewingService
from inbox.chat import widget
from inbox.chat.passing import connected
from inbox.chat.platform import WEB_CHAT, WebChats
from inbox.chat.privacy import VisitorHolding
from inbox.chat.service import ChatService
from inbox.chat.sharing import Sharing
from inbox.chat.source import WebChatSource
from inbox.consent.privacy import ConsentHolding
from inbox.consent.service import ConsentService
from inbox.contacts.merging.service import Merging
from inbox.contacts.naming import NameKind
from inbox.contacts.privacy import ContactHolding
from inbox.contacts.recognizing import Recognizing
from inbox.contacts.service import ContactService
from inbox.conversations.counts.service import CountService
from inbox.conversations.marking import TYPE, MarkKind
from inbox.conversations.participants.privacy import ParticipantHolding
from inbox.conversations.participants.service import ParticipantService
from inbox.conversations.privacy import ConversationHolding
from inbox.conversations.service import ConversationService
from inbox.conversations.waking import Waking
from inbox.direct.platform import INSTAGRAM, MESSENGER, Direct
from inbox.direct.source import DirectSource
from inbox.drafts.privacy import DraftHolding
from inbox.drafts.service import DraftService
from inbox.exports.kind import export_kind
from inbox.exports.service import ExportService
from inbox.exports.writing import Lines
from inbox.fields.privacy import FieldHolding
from inbox.fields.service import FieldService
from inbox.forms.platform import CONTACT_FORM, ContactForms
from inbox.forms.service import FormService
from inbox.forms.source import FormSource
from inbox.imports.files import ImportFiles
from inbox.imports.kind import import_kinds
from inbox.imports.privacy import ImportHolding
from inbox.imports.service import ImportService
from inbox.labels.privacy import LabelHolding
from inbox.labels.service import LabelService
from inbox.labels.sweeping import LabelSweeping
from inbox.macros.many import MacroRunKind
from inbox.macros.privacy import RunHolding
from inbox.macros.running import Running
from inbox.macros.service import MacroService
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
from inbox.messages.templating import Templating
from inbox.messages.wholes import Going
from inbox.messages.writing import Writing
from inbox.notes.privacy import NoteHolding
from inbox.notes.service import NoteService
from inbox.outside import Meta, Pages, TelnyxAccount
from inbox.search.indexing import Indexing
from inbox.search.privacy import SearchHolding
from inbox.search.service import SearchService
from inbox.segments.service import SegmentService
from inbox.settings import InboxSettings
from inbox.signatures.privacy import SignatureHolding
from inbox.signatures.service import SignatureService
from inbox.sites.service import SiteService
from inbox.sites.snippets import Snippets
from inbox.teams.privacy import TeamHolding
from inbox.telnyx.platform import SMS, Texts
from inbox.telnyx.source import TelnyxSource
from inbox.templates.rereading import Rereading
from inbox.templates.samples.service import SampleService
from inbox.templates.samples.uploading import UploadKind
from inbox.templates.service import TemplateService
from inbox.templates.submitting import DeleteKind, SubmitKind
from inbox.templates.syncing import SyncKind
from inbox.templates.telling import Telling
from inbox.timeline.service import TimelineService
from inbox.variables.service import VariableService
from inbox.variables.values import Values
from inbox.views.service import ViewService
from inbox.whatsapp.graph import Graph
from inbox.whatsapp.intake import SentIn
from inbox.whatsapp.payload import hidden_by
from inbox.whatsapp.platform import WhatsApp
from inbox.whatsapp.privacy import SentInHolding
from inbox.whatsapp.source import WhatsAppSource
from inbox.whatsapp.template_graph import TemplateGraph
from inbox.whatsapp.uploads import Uploads
from kit.db.database import Database
from kit.http.acting import Acting
from kit.http.client import Outbound
from kit.http.http1 import Http1Transport
from kit.http.peer import Peers
from kit.intake.intake import Intake
from kit.intake.model import Source
from kit.jobs.jobs import Jobs
from kit.jobs.privacy import JobHolding
from kit.ledger.ledger import Ledger
from kit.mail import SmtpServer
from kit.privacy.holding import Holdings
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring
from kit.seal.sealer import Sealer
from kit.service import Backbone, Privacy, Service

DIRECT: Final = (MESSENGER, INSTAGRAM)
WEBHOOKS: Final = ("whatsapp", *DIRECT, SMS)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the inbox is made of."""

    allowances: AllowanceService
    channels: ChannelService
    viewing: ViewingService
    releasing: Releasing
    contacts: ContactService
    consents: ConsentService
    fields: FieldService
    timeline: TimelineService
    segments: SegmentService
    exports: ExportService
    imports: ImportService
    merging: Merging
    conversations: ConversationService
    participants: ParticipantService
    counts: CountService
    waking: Waking
    assignment: AssignmentService
    giving: Giving
    presence: Presence
    peers: Peers
    messages: MessageService
    media: MediaService
    templates: TemplateService
    rereading: Rereading
    samples: SampleService
    sweeping: Sweeping
    labels: LabelService
    notes: NoteService
    search: SearchService
    indexing: Indexing
    label_sweeping: LabelSweeping
    signatures: SignatureService
    variables: VariableService
    attributes: AttributeService
    attribute_sweeping: AttributeSweeping
    canned_replies: CannedReplyService
    drafts: DraftService
    views: ViewService
    macros: MacroService
    jobs: Jobs
    ledger: Ledger
    intake: Intake
    holdings: Holdings
    sites: SiteService
    snippets: Snippets
    forms: FormService
    chats: ChatService
    sharing: Sharing
    broadcasts: BroadcastService
    feeding: Feeding
    braking: Braking
    paces: PaceService
    zones: ZoneService
    links: LinkService


def build(
    database: Database,
    keyring: Keyring,
    outbound: Outbound,
    meta: Meta,
    folder: Path,
    *,
    telnyx: TelnyxAccount = TelnyxAccount(),
    clients: Mapping[str, Sealer] | None = None,
    pages: Pages = Pages(),
) -> Parts:
    """The parts from what they stand on."""
    database.narrowed, database.addressed = statement, addressed
    templates = TemplateGraph(outbound, meta.graph_url, meta.api_version)
    graph, sealing = Graph(outbound, meta.graph_url, meta.api_version), Sealing(keyring)
    whatsapp = WhatsApp(graph, on=meta.on)
    direct = [Direct(kind, outbound, meta.direct_url or meta.graph_url, meta.api_version, meta.on) for kind in DIRECT]
    texts = Texts(outbound, telnyx.url, on=bool(telnyx.public_key and telnyx.hiding))
    spoken: list[Platform] = [whatsapp, *direct, texts]
    platforms = {each.kind: each for each in spoken}
    store = MediaStore(folder, keyring, database.clock)
    braking, links = Braking(database, lambda: own), Links(pages.links, pages.hiding.encode())
    own = Ledger(
        database,
        [
            SendKind(platforms, keyring, Going(platforms, lambda: own)),
            FetchKind(platforms, keyring, store),
            MarkKind(platforms, keyring),
            MarkKind(platforms, keyring, name=TYPE),
            NameKind(platforms, keyring),
            CheckKind(platforms, keyring, lambda: own),
            SubmitKind(templates, keyring),
            UploadKind(Uploads(outbound, meta.graph_url, meta.api_version), keyring, store),
            DeleteKind(templates, keyring),
            SyncKind(templates, keyring, lambda: own),
            BroadcastKind(platforms, keyring, braking, links),
        ],
    )
    sites = SiteService(database, own, keyring)
    platforms[WEB_CHAT] = WebChats(database, store)
    platforms[CONTACT_FORM] = ContactForms(sites, pages.server, pages.mail_from)
    hearing, preparing = Hearing(lambda: own, sealing, braking), Preparing(keyring, platforms)
    both = (Receiving(own, Recognizing(keyring), sealing, hearing), Reporting(own, sealing, hearing))
    applying = {kind: Applying(platform, *both) for kind, platform in platforms.items()}
    known = (meta.app_secret, meta.verify_token)
    sources: list[Source] = [WhatsAppSource(*known, applying["whatsapp"], Telling(lambda: own), Judging(braking))]
    sources += [DirectSource(kind, *known, applying[kind]) for kind in DIRECT]
    meta_hides, telnyx_hides = hidden_by(meta.app_secret), hidden_by(telnyx.hiding)
    sent_in = [SentIn(each.name, meta_hides, sealing) for each in sources]
    sent_in.append(SentIn(SMS, telnyx_hides, sealing))
    sources.append(TelnyxSource(telnyx.public_key, database.clock, telnyx_hides, applying[SMS]))
    page_hides = hidden_by(f"pages {pages.hiding}")
    sent_in += [SentIn(kind, page_hides, sealing) for kind in (WEB_CHAT, CONTACT_FORM)]
    sources += [
        WebChatSource(page_hides, applying[WEB_CHAT]),
        FormSource(page_hides, applying[CONTACT_FORM]),
    ]
    intake = Intake(database, sources, keyring)
    holdings = (
        SentInHolding(database, sent_in),
        RecipientHolding(database, own),
        MediaHolding(database, keyring, store, own),
        SearchHolding(database),
        MessageHolding(database, sealing, own, sent_in),
        NoteHolding(database, keyring),
        DraftHolding(database, keyring),
        RunHolding(database),
        JobHolding(database),
        AttributeHolding(database, keyring),
        ParticipantHolding(database),
        LabelHolding(database),
        ConversationHolding(database),
        VisitorHolding(database, keyring),
        ConsentHolding(database, keyring),
        FieldHolding(database, keyring),
        ImportHolding(database, keyring),
        ContactHolding(database, keyring, own),
        TeamHolding(database),
        ViewingHolding(database),
        AgentHolding(database),
        SignatureHolding(database, keyring),
        ArrangementHolding(database, keyring),
        MemberHolding(database),
        RequestKeys(database),
    )
    files = ImportFiles.below(folder, keyring, database.clock)
    conversing = ConversationService(database, own, sealing, platforms)
    writing = MessageService(
        database,
        Writing(own, sealing, platforms, Templating(Values(keyring)), database.clock),
        sealing,
    )
    chats = ChatService(database, sealing, sites, intake, pages.passing)
    running = Running(conversing, writing, NoteService(database, keyring), Values(keyring))
    exported = MediaStore(folder / "exports", keyring, database.clock)
    lines = Lines(database, ContactService(database, keyring), FieldService(database, keyring))
    jobs = Jobs(
        database,
        [
            MacroRunKind(database, keyring, running),
            *import_kinds(database, keyring, files),
            export_kind(lines, keyring, exported),
        ],
    )
    segments = SegmentService(database, keyring, ContactService(database, keyring))
    return Parts(
        allowances=AllowanceService(database),
        channels=ChannelService(database, own, keyring, platforms),
        viewing=ViewingService(database),
        releasing=Releasing(database),
        contacts=ContactService(database, keyring),
        consents=ConsentService(database, keyring),
        fields=FieldService(database, keyring),
        timeline=TimelineService(database, keyring),
        imports=ImportService(database, files, jobs),
        segments=segments,
        exports=ExportService(database, keyring, segments, exported, jobs, pages.hiding),
        merging=Merging(database, keyring, platforms),
        conversations=conversing,
        participants=ParticipantService(database),
        counts=CountService(database),
        waking=Waking(database),
        assignment=AssignmentService(database),
        giving=Giving(database),
        presence=Presence(database),
        peers=Peers(clients or {}),
        messages=writing,
        media=MediaService(database, keyring, store),
        templates=TemplateService(database, lambda: own),
        rereading=Rereading(database, lambda: own),
        samples=SampleService(database, store),
        sweeping=Sweeping(database, store),
        labels=LabelService(database),
        notes=NoteService(database, keyring),
        search=SearchService(database, sealing),
        indexing=Indexing(database, sealing),
        label_sweeping=LabelSweeping(database),
        signatures=SignatureService(database, keyring),
        variables=VariableService(database, Values(keyring)),
        attributes=AttributeService(database, keyring),
        attribute_sweeping=AttributeSweeping(database),
        canned_replies=CannedReplyService(database, keyring, Values(keyring)),
        drafts=DraftService(database, keyring),
        views=ViewService(database, keyring),
        macros=MacroService(database, keyring, Values(keyring), running, jobs),
        jobs=jobs,
        ledger=own,
        intake=intake,
        holdings=Holdings(holdings, known_in),
        sites=sites,
        snippets=Snippets(pages.public_url, widget.PATH, widget.INTEGRITY),
        forms=FormService(database, keyring, sites, intake),
        chats=chats,
        sharing=Sharing(
            database, chats, store, MediaService(database, keyring, store), writing, platforms, pages.hiding
        ),
        broadcasts=BroadcastService(database, lambda: own, preparing, platforms, segments, links),
        feeding=Feeding(database, lambda: own, preparing),
        braking=braking,
        paces=PaceService(database, braking),
        zones=ZoneService(database),
        links=LinkService(database, links),
    )


@asynccontextmanager
async def open_parts(backbone: Backbone[InboxSettings]) -> AsyncIterator[Parts]:
    """Build the parts; of these only the connection to Redis is closed."""
    settings = backbone.settings
    meta = Meta(
        settings.meta_graph_url,
        settings.meta_api_version,
        settings.meta_app_secret.get_secret_value(),
        settings.meta_verify_token.get_secret_value(),
        settings.direct_graph_url,
    )
    folder = Path(settings.media_folder or Path(tempfile.gettempdir()) / "rostrum-media")
    hiding = settings.sealing_key.get_secret_value()
    telnyx = TelnyxAccount(settings.telnyx_url, settings.telnyx_public_key, hiding)
    server = SmtpServer.at(settings.smtp_url.get_secret_value())
    async with connected(settings.redis_url, settings.namespace) as passing:
        pages = Pages(settings.public_url, server, settings.mail_from, hiding, passing, settings.link_url)
        yield build(
            backbone.database,
            backbone.keyring,
            backbone.outbound,
            meta,
            folder,
            telnyx=telnyx,
            pages=pages,
            clients=settings.clients(),
        )


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for, by its type."""
    return [getattr(parts, each.name) for each in fields(parts)]


def mounts(parts: Parts) -> Mapping[str, ASGIApp]:
    """Doors that take bytes as they are."""
    return {f"/v1/webhooks/{name}": parts.intake.asgi(name) for name in WEBHOOKS}


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming and relaying."""
    return worker.loops(
        parts.intake,
        database=parts.sweeping.database,
        sweeping=parts.sweeping,
        waking=parts.waking,
        counts=parts.counts,
        giving=parts.giving,
        releasing=parts.releasing,
        rereading=parts.rereading,
        labels=parts.label_sweeping,
        attributes=parts.attribute_sweeping,
        forms=parts.forms,
        chats=parts.chats,
        merging=parts.merging,
        indexing=parts.indexing,
        imports=parts.imports,
        exports=parts.exports,
        feeding=parts.feeding,
        braking=parts.braking,
    )


def ledger(parts: Parts) -> Ledger:
    """Where what is to be done outside stands."""
    return parts.ledger


def jobs(parts: Parts) -> Jobs:
    """The bulk work."""
    return parts.jobs


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
    jobs=jobs,
    privacy=privacy,
    subscriptions=worker.SUBSCRIPTIONS,
    consumers=CONSUMERS,
    acting=Acting("inbox.request.impersonated"),
    large_bodies=LARGE_BODIES,
    transport=Http1Transport,
)
