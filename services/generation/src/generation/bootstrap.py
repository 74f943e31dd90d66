"""Builds generation's own parts; the only wiring."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from contracts.consumers import CONSUMERS
from contracts.generation import GenerationErasureAnswered, GenerationExportPartReady
from generation import migrations, worker
from generation.answers.cache import AnswerCache
from generation.api import ROUTERS
from generation.assistant.answering import Answering
from generation.assistant.privacy import AssistantHolding
from generation.assistant.sealing import AssistantSeal
from generation.assistant.service import AssistantService
from generation.batches.ending import Ending
from generation.batches.following import Following
from generation.batches.kind import Submitting
from generation.batches.repository import PersonsBatches
from generation.batches.service import BatchService
from generation.budgets.repository import PersonsBudgets
from generation.budgets.service import BudgetService
from generation.calls.accounting import Accounting
from generation.calls.calling import Calling
from generation.calls.repository import PersonsCalls
from generation.calls.service import UsageService
from generation.drafts.service import DraftService
from generation.generations.preparing import Preparing
from generation.generations.privacy import GenerationHolding
from generation.generations.running import Running
from generation.generations.sealing import GenerationSeal
from generation.generations.service import GenerationService
from generation.generations.streaming import Bells
from generation.moderations.repository import PersonsPolicies
from generation.moderations.service import ModerationService
from generation.notifications.source import OpenAiSource
from generation.persons.repository import known_in
from generation.providers.base import Provider
from generation.providers.local import Local
from generation.providers.openai_api import OpenAiApi
from generation.providers.openai_batches import OpenAiBatches
from generation.providers.prices import published, read
from generation.providers.routing import Deployment, Routes
from generation.settings import GenerationSettings
from generation.templates.privacy import TemplateHolding
from generation.templates.service import TemplateService
from generation.voices.kind import Fetching
from generation.voices.learning import Learning
from generation.voices.privacy import VoiceHolding
from generation.voices.reading import Pages
from generation.voices.sealing import VoiceSeal
from generation.voices.service import VoiceService
from kit.db.database import Database
from kit.http.acting import Acting
from kit.http.client import Outbound
from kit.intake.intake import Intake
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Holdings
from kit.privacy.kept_rows import KeptRows
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Privacy, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What generation is made of."""

    accounting: Accounting
    routes: Routes
    calling: Calling
    moderation: ModerationService
    running: Running
    generations: GenerationService
    drafts: DraftService
    batches: BatchService
    voices: VoiceService
    templates: TemplateService
    learning: Learning
    following: Following
    ledger: Ledger
    budgets: BudgetService
    usage: UsageService
    holdings: Holdings
    intake: Intake
    answering: Answering
    assistant: AssistantService

    async def close(self) -> None:
        """Let what runs come to its end, then let go of connections."""
        await asyncio.gather(self.running.close(), self.answering.close())
        for provider in {id(each.provider): each.provider for each in self.routes.deployments}.values():
            await provider.close()


def generating(settings: GenerationSettings, database: Database, keyring: Keyring, outbound: Outbound) -> Parts:
    """Build it; it is to be closed."""
    accounting = Accounting(database, settings.monthly_budget_micros)
    calling = Calling(accounting, deployed(settings))
    moderation, seal = ModerationService(database, calling), GenerationSeal(keyring)
    running = Running(database, seal, calling, moderation, AnswerCache(database, keyring), Bells())
    providers = {each.provider.name: each.provider for each in calling.routes.deployments}
    bulk = {name: OpenAiBatches(each) for name, each in providers.items() if isinstance(each, OpenAiApi)}
    ending = Ending(running)
    voice_seal = VoiceSeal(keyring)
    ledger = Ledger(database, (Submitting(bulk, seal, ending), Fetching(Pages(outbound), voice_seal)))
    learning = Learning(database, voice_seal)
    voices = VoiceService(database, voice_seal, ledger, learning)
    templates = TemplateService(database, keyring)
    preparing = Preparing(voices, templates)
    talked = AssistantSeal(keyring)
    answering = Answering(database, talked, calling, moderation, running.bells, voices)
    return Parts(
        accounting=accounting,
        routes=calling.routes,
        calling=calling,
        moderation=moderation,
        running=running,
        generations=GenerationService(database, seal, running, preparing),
        drafts=DraftService(database, seal),
        batches=BatchService(database, ledger, ending, bulk, preparing),
        voices=voices,
        templates=templates,
        learning=learning,
        following=Following(database, bulk, seal, ending),
        ledger=ledger,
        budgets=BudgetService(accounting),
        usage=UsageService(accounting),
        holdings=Holdings(
            (
                GenerationHolding(database, seal),
                VoiceHolding(database, voice_seal),
                TemplateHolding(templates),
                AssistantHolding(database, talked),
                KeptRows(database, "calls", PersonsCalls),
                KeptRows(database, "batches", PersonsBatches),
                KeptRows(database, "budgets", PersonsBudgets),
                KeptRows(database, "moderation_policies", PersonsPolicies),
                RequestKeys(database),
            ),
            known_in,
        ),
        intake=Intake(database, (heard(settings, database),), keyring),
        answering=answering,
        assistant=AssistantService(database, talked, answering, outbound, settings.gateway_url),
    )


def heard(settings: GenerationSettings, database: Database) -> OpenAiSource:
    """Who tells us of what ended over there."""
    secrets = [each.get_secret_value() for each in settings.openai_webhook_secrets]
    return OpenAiSource(secrets, database.clock)


def deployed(settings: GenerationSettings) -> Routes:
    """The models that can be called, each with its price; our own program where there is no other."""
    models = dict(published())
    if settings.prices_file:
        models |= read(Path(settings.prices_file).read_text("utf-8"))
    providers: dict[str, Provider] = {}
    if key := settings.openai_api_key.get_secret_value():
        providers["openai"] = OpenAiApi("openai", settings.openai_url, key)
    if settings.compatible_url:
        secret = settings.compatible_api_key.get_secret_value()
        providers["compatible"] = OpenAiApi("compatible", settings.compatible_url, secret, plain_limit=True)
    known = {each.provider for each in models.values()}
    if not providers.keys() & known:
        providers["local"] = Local()
    used = {model.use for model in models.values() if model.provider in providers}
    spare = Local()
    return Routes(
        [
            Deployment(providers.get(model.provider, spare), model)
            for model in models.values()
            if model.provider in providers
            or (model.provider == "local" and model.use not in used and model.use != "text")
        ]
    )


@asynccontextmanager
async def open_parts(backbone: Backbone[GenerationSettings]) -> AsyncIterator[Parts]:
    """Build the parts, and close them at the end."""
    parts = generating(backbone.settings, backbone.database, backbone.keyring, backbone.outbound)
    try:
        yield parts
    finally:
        await parts.close()


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (
        parts.generations,
        parts.drafts,
        parts.assistant,
        parts.batches,
        parts.voices,
        parts.templates,
        parts.moderation,
        parts.budgets,
        parts.usage,
    )


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming and relaying."""
    return (
        *worker.loops(parts.accounting, parts.running, parts.following, parts.learning, parts.answering),
        *parts.intake.loops(),
    )


def mounts(parts: Parts) -> Mapping[str, ASGIApp]:
    """Where others tell us something."""
    return {"/v1/webhooks/openai": parts.intake.asgi("openai")}


def ledger(parts: Parts) -> Ledger:
    """What is to be done outside."""
    return parts.ledger


def privacy(parts: Parts) -> Privacy:
    """What is held about people, and how it is answered for."""
    return Privacy(parts.holdings, GenerationExportPartReady, GenerationErasureAnswered)


SERVICE: Final = Service(
    name="generation",
    title="Generation",
    settings=GenerationSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    mounts=mounts,
    subscriptions=worker.SUBSCRIPTIONS,
    consumers=CONSUMERS,
    ledger=ledger,
    privacy=privacy,
    large_bodies={"/v1/assistant/conversations": 17 * 1024 * 1024},
    acting=Acting("generation.request.impersonated"),
)
