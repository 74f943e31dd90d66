"""One service as a process: its commands, its shared parts, and the order in which they start and stop.

A service's `__main__` is one call of `run_service`; its own parts are built in its `bootstrap`, from a `Backbone`.
"""

import argparse
import asyncio
import inspect
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any, Final, Generic, TypeVar

import structlog
from fastapi import APIRouter, FastAPI
from rich.console import Console
from starlette.types import ASGIApp

from contracts.event import Event
from contracts.privacy import AnswersErasure, AnswersExport
from kit.clock import Clock
from kit.db.database import Database, DatabaseBusy
from kit.db.migrate import BadMigration, MigrationBusy, all_of, migrate
from kit.db.roles import ServiceRoles
from kit.http import idempotency
from kit.http.acting import Acting, nobody, recorded
from kit.http.app import create_app
from kit.http.breaker import Breaker
from kit.http.caller import TokenVerifier, jwks_at
from kit.http.client import Outbound
from kit.http.health import Check, Unwell, below, disk
from kit.http.peer import Peer
from kit.http.serving import serve
from kit.http.transport import PyreqwestTransport, Transport
from kit.intake import cli as intake_cli
from kit.intake import router as intake_router
from kit.intake.desk import Desk
from kit.jobs.jobs import Jobs
from kit.ledger import cli as ledger_cli
from kit.ledger.ledger import Ledger
from kit.ledger.operating import Operating
from kit.ledger.router import router as ledger_router
from kit.messaging import cli, processed
from kit.messaging.broker import Broker
from kit.messaging.consumer import Consumer
from kit.messaging.dead_letters import DeadLetters
from kit.messaging.liveness import NAMES_KEPT
from kit.messaging.relay import Relay
from kit.messaging.subscription import Subscription
from kit.messaging.topology import Topology
from kit.messaging.wakeup import Hint, Listener
from kit.privacy.answering import Answering
from kit.privacy.counting import Count
from kit.privacy.datamap import of_service as data_map_of
from kit.privacy.handover import ToCompliance
from kit.privacy.holding import Holdings
from kit.process import Loop, in_order, run, supervise
from kit.seal import cli as seal_cli
from kit.seal.elsewhere import KeysElsewhere
from kit.seal.keyring import Keyring
from kit.seal.sealer import Sealer
from kit.settings import ServiceSettings, load
from kit.telemetry import logging, metrics, tracing

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=ServiceSettings)
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Privacy:
    """What a service holds about people, and the events by which it answers."""

    holdings: Holdings
    handed_over: type[AnswersExport]
    erased: type[AnswersErasure]


POOL_IN_USE = metrics.gauge("database_connections_in_use", "Connections of the pool that are in use")
POOL_WAITING = metrics.gauge("database_connections_waited_for", "Tasks that wait for a connection")
OUTBOX_AGE = metrics.gauge("outbox_age_seconds", "Age of the oldest event that the broker has not confirmed")

WAIT_BOUND: Final = 0.5  # seconds for a database connection; a crowd that is served within them is no overload
OUTBOX_BOUND: Final = 60.0  # seconds; an older outbox means that what we accept is not told to anyone


@dataclass(frozen=True, slots=True)
class Backbone(Generic[S]):
    """What every service is given: settings, database, broker, verified callers, outbound calls."""

    settings: S
    database: Database
    broker: Broker
    topology: Topology
    verifier: TokenVerifier
    outbound: Outbound
    keys: Keyring | None = None
    compliance: Peer | None = None

    @property
    def keyring(self) -> Keyring:
        """The keys under which fields are sealed; the process ends here when no master key was set."""
        if self.keys is None:
            prefix = self.settings.model_config.get("env_prefix", "")
            raise SystemExit(f"{prefix}SEALING_KEY: is not set; it is 32 random bytes in base64url")
        return self.keys

    @property
    def clock(self) -> Clock:
        """The platform's time."""
        return self.database.clock


@dataclass(frozen=True)
class Service(Generic[S, P]):
    """What makes a service this one.

    `endpoint_parts` are what endpoints ask for by class (`kit.http.app.part`). `consumers` tells for the whole
    platform who subscribes to which event, so that an emitter can see before it is ready that no subscriber's queue
    is missing. `commands` are the service's own (`auth rotate-keys`), whose arguments are text. `mounts` are plain
    ASGI applications by path: they receive webhooks. `ledger` finds the ledger among the parts: its loops,
    `/internal/ledger` and the command `ledger` then come by themselves. `jobs` finds the bulk work among them: its
    loops come by themselves, its doors are made by `kit.jobs.router`. `privacy` says what it holds about people, for
    whoever holds something: the loop that answers compliance comes by itself, beside the subscriptions. `serving` are
    loops of every process that answers requests, for what is gathered there in memory; they end after the last
    answer. `acting` says how staff may act in a person's place here; without it nobody does. `large_bodies`: see
    `kit.http.app`. `transport` carries what is sent outside: `Http1Transport` where that is very much.
    """

    name: str
    title: str
    settings: type[S]
    migrations: ModuleType
    open_parts: Callable[[Backbone[S]], AbstractAsyncContextManager[P]]
    routers: Sequence[APIRouter]
    endpoint_parts: Callable[[P], Iterable[object]]
    loops: Callable[[P], Sequence[Loop]]
    subscriptions: Sequence[Subscription[Any]] = ()
    consumers: Mapping[type[Event], Collection[str]] = field(default_factory=dict)
    commands: Mapping[str, Callable[..., Awaitable[None]]] = field(default_factory=dict)
    mounts: Callable[[P], Mapping[str, ASGIApp]] = field(default=lambda _parts: {})
    ledger: Callable[[P], Ledger] | None = None
    jobs: Callable[[P], Jobs] | None = None
    privacy: Callable[[P], Privacy] | None = None
    serving: Callable[[P], Sequence[Loop]] = field(default=lambda _parts: ())
    acting: Acting | None = None
    large_bodies: Mapping[str, int] = field(default_factory=dict)
    transport: Callable[[], Transport] = PyreqwestTransport

    def own_consumers(self) -> dict[str, list[str]]:
        """The queues this service reads from: its name and the types it subscribes to."""
        return {self.name: [subscription.event.type for subscription in self.subscriptions]}

    def heard_by(self) -> dict[str, list[str]]:
        """The queues that must exist before this service may emit: subscriber by subscriber."""
        heard: dict[str, list[str]] = {}
        for event, consumers in self.consumers.items():
            if event.type.startswith(f"{self.name}."):
                for consumer in consumers:
                    heard.setdefault(consumer, []).append(event.type)
        return heard


@asynccontextmanager
async def open_backbone(service: Service[S, P], settings: S) -> AsyncIterator[Backbone[S]]:
    """Open the shared parts in order and close them in reverse."""
    async with AsyncExitStack() as stack:
        tracing.configure(service.name, endpoint=settings.otlp_endpoint, sample=settings.trace_sample)
        stack.callback(tracing.shut_down)
        database = await Database.open(
            settings.database_url.get_secret_value(), name=service.name, pool_size=settings.pool_size
        )
        stack.push_async_callback(database.close)
        broker = Broker(settings.broker_url.get_secret_value(), name=service.name)
        stack.push_async_callback(broker.close)
        outbound = Outbound(transport=service.transport())
        stack.push_async_callback(outbound.close)
        verifier = TokenVerifier(
            jwks_at(settings.jwks_url, outbound),
            settings.token_issuer,
            settings.token_audience,
            database.clock,
        )
        inward = Outbound(breaker=partial(Breaker, rest=0.5, longest=2.0))  # our own are missed once they are back
        stack.push_async_callback(inward.close)
        peer = compliance_of(service.name, settings, inward)
        keys, topology = keyring_of(settings, database, peer), Topology(settings.namespace)
        yield Backbone(settings, database, broker, topology, verifier, outbound, keys, peer)


def keyring_of(settings: ServiceSettings, database: Database, compliance: Peer | None) -> Keyring | None:
    """The keys of a service that has a master key; compliance keeps those of organizations and people."""
    master = settings.master_key()
    if master is None:
        return None
    return Keyring(database, master, shared=None if compliance is None else KeysElsewhere(compliance))


def compliance_of(name: str, settings: ServiceSettings, outbound: Outbound) -> Peer | None:
    """How this service speaks to compliance, where that is set."""
    secret = settings.compliance_secret.get_secret_value()
    if not settings.compliance_url or not secret:
        return None
    return Peer(outbound, settings.compliance_url, name, Sealer.from_text(secret))


class Pulse:
    """Keeps an eye on what overload and readiness are judged by, so that no request has to ask."""

    def __init__(self, service: Service[S, P], backbone: Backbone[S]) -> None:
        self._service = service
        self._backbone = backbone
        self._outbox_age = 0.0
        self._bound = False

    async def beat(self) -> None:
        """Look once; to be repeated every second."""
        use = self._backbone.database.use()
        POOL_IN_USE.set(use.in_use)
        POOL_WAITING.set(use.waiting)
        self._outbox_age = await self._backbone.database.outbox_age()
        OUTBOX_AGE.set(self._outbox_age)

    def overloaded(self) -> str | None:
        """Why no change should be accepted now, if there is a reason."""
        if self._outbox_age > OUTBOX_BOUND:
            return "Events are not leaving this service; what you change would not be told to anyone."
        if self._backbone.database.use().waited > WAIT_BOUND:
            return "All database connections are in use."
        return None

    async def outbox_age(self) -> float:
        """Seconds, as last seen."""
        return self._outbox_age

    async def topology(self) -> None:
        """Prove that every queue our events go to exists; once seen, it is believed until the process ends.

        Raises:
            TopologyIncomplete: a subscriber's queue is missing; an event emitted now would be lost to it.
        """
        if self._bound:
            return
        connection = await self._backbone.broker.connect("readiness")
        try:
            await self._backbone.topology.check(connection, self._service.heard_by() | self._service.own_consumers())
        finally:
            await connection.close()
        self._bound = True


def make_app(
    service: Service[S, P], backbone: Backbone[S], parts: P, pulse: Pulse, consumer: Consumer | None, *, public: bool
) -> FastAPI:
    """The HTTP side: all routes, or for a worker only health and metrics.

    Doors stay open while the broker is away: facts wait in the outbox, and when it grows old, back-pressure refuses
    changes and lets people read. Were the doors to close, every instance would close at once.
    """
    checks: dict[str, Check] = {
        "database": partial(_answers, backbone.database),
        "broker": backbone.broker.ping,
        "topology": pulse.topology,
        "outbox": below(pulse.outbox_age, OUTBOX_BOUND),
        "disk": disk(),
    }
    if consumer is not None:
        checks["consumer"] = partial(_consuming, consumer)
    return create_app(
        service=service.name,
        title=service.title,
        routers=(*service.routers, intake_router.router, *((ledger_router,) if service.ledger else ()))
        if public
        else (),
        parts=(*service.endpoint_parts(parts), Desk(backbone.database), *_ledger_parts(service, parts)),
        checks=checks,
        told=("broker", "outbox") if public else (),
        verifier=backbone.verifier,
        clock=backbone.clock,
        large_bodies=service.large_bodies,
        overloaded=pulse.overloaded if public else None,
        mounts=service.mounts(parts) if public else None,
        operator_token=backbone.settings.operator_token.get_secret_value(),
        acting=nobody if service.acting is None else recorded(service.acting, backbone.database),
    )


def _ledger_parts(service: Service[S, P], parts: P) -> Sequence[object]:
    return () if service.ledger is None else (Operating(service.ledger(parts)),)


async def _answers(database: Database) -> str | None:
    """A pool in use to the last connection is a matter of back-pressure; a closed door adds to the load elsewhere."""
    try:
        await database.ping()
    except DatabaseBusy:
        return "busy"
    return None


async def _consuming(consumer: Consumer) -> None:
    if not consumer.consuming:
        raise Unwell("some subscription has no consumer on the broker")


def api_loops(backbone: Backbone[S], pulse: Pulse, hint: Hint) -> list[Loop]:
    """What every serving process needs beside answering."""
    loops = [Loop("pulse", pulse.beat, every=1.0), Loop("clock", backbone.database.clock.run), Loop("hint", hint.run)]
    if backbone.keys is not None:
        loops.append(Loop("forget shredded keys", backbone.keys.forget_shredded, every=1.0))
    return loops


def worker_loops(service: Service[S, P], backbone: Backbone[S], parts: P, consumer: Consumer | None) -> list[Loop]:
    """What a worker does, in the order in which it is to end: first what takes work in, last what sends it out."""
    database = backbone.database
    listener = Listener(
        backbone.settings.database_direct_url.get_secret_value(), service.name, wakeups=database.wakeups
    )
    letters = DeadLetters(database, backbone.broker)
    dead = metrics.Sampled("dead_letters", "Messages that wait for an operator", letters.count, ("queue",))
    relay = Relay(database, backbone.broker, backbone.topology, listener=listener)
    return [
        *([Loop("consumer", consumer.run, grace=35.0)] if consumer else []),  # a handler has 30 s
        *service.loops(parts),
        *(service.jobs(parts).loops() if service.jobs else ()),
        *(service.ledger(parts).loops() if service.ledger else ()),
        *_privacy_loops(service, backbone, parts),
        Loop("dead letters", partial(metrics.sample, [dead]), every=15),
        Loop("purge messages", partial(processed.purge, database), every=600),
        Loop("purge idempotency keys", partial(_purge_keys, database), every=600),
        Loop("relay", relay.run),
        Loop("relay two", relay.run),
        Loop("listener", listener.run),
    ]


def _privacy_loops(service: Service[S, P], backbone: Backbone[S], parts: P) -> Sequence[Loop]:
    if service.privacy is None or backbone.compliance is None:
        return ()
    own = service.privacy(parts)
    return Answering(
        backbone.database,
        backbone.keyring,
        service.name,
        own.holdings,
        Count(data_map_of(service.migrations)),
        ToCompliance(backbone.compliance),
        own.handed_over,
        own.erased,
    ).loops()


def _consumer(service: Service[S, P], backbone: Backbone[S]) -> Consumer | None:
    if not service.subscriptions:
        return None
    return Consumer(backbone.database, backbone.broker, backbone.topology, service.name, service.subscriptions)


async def _purge_keys(database: Database) -> bool:
    async with database.transaction() as tx:
        return await idempotency.purge(tx) > 0


async def _serve(service: Service[S, P], settings: S, role: str, stop: asyncio.Event) -> None:
    if role == "worker":
        os.nice(settings.worker_niceness)
    async with open_backbone(service, settings) as backbone, service.open_parts(backbone) as parts:
        hint = Hint(settings.database_direct_url.get_secret_value(), service.name)
        backbone.database.emitted = backbone.database.hinted = hint.notify
        pulse = Pulse(service, backbone)
        consumer = None if role == "api" else _consumer(service, backbone)
        app = make_app(service, backbone, parts, pulse, consumer, public=role != "worker")
        background = [] if role == "api" else worker_loops(service, backbone, parts, consumer)
        if background and service.ledger:
            await backbone.outbound.warm()
        beside = [] if role == "worker" else service.serving(parts)
        loops = [*background, *beside, *api_loops(backbone, pulse, hint)]
        await in_order(stop, partial(_listen, app, settings), partial(supervise, loops))


async def _listen(app: FastAPI, settings: ServiceSettings, stop: asyncio.Event) -> None:
    await serve(app, settings.http_host, settings.http_port, stop, notice=settings.drain_notice)


async def _migrate(service: Service[S, P], settings: S, _stop: asyncio.Event) -> None:
    if settings.migrate_url is None:
        raise SystemExit(f"{service.name.upper()}_MIGRATE_URL: is not set; it is the address migrations connect to")
    try:
        applied = await migrate(
            settings.migrate_url.get_secret_value(),
            ServiceRoles(service.name, settings.role_prefix),
            all_of(service.name, service.migrations),
        )
    except (BadMigration, MigrationBusy) as trouble:
        raise SystemExit(str(trouble)) from trouble
    log.info("migrations.done", applied=len(applied))


async def _topology(service: Service[S, P], settings: S, _stop: asyncio.Event) -> None:
    broker = Broker(settings.broker_url.get_secret_value(), name=f"{service.name} topology")
    connection = await broker.connect("topology")
    try:
        await Topology(settings.namespace).declare(connection, service.own_consumers())
        await asyncio.sleep(NAMES_KEPT)
    finally:
        await connection.close()


async def _command(service: Service[S, P], settings: S, chosen: argparse.Namespace, _stop: asyncio.Event) -> None:
    command = service.commands[chosen.command]
    given = {each.name: getattr(chosen, each.name) for each in _arguments(command)}
    async with open_backbone(service, settings) as backbone, service.open_parts(backbone) as parts:
        await command(parts, **given)


def _arguments(command: Callable[..., Awaitable[None]]) -> list[inspect.Parameter]:
    return list(inspect.signature(command).parameters.values())[1:]


async def _operate(service: Service[S, P], settings: S, chosen: argparse.Namespace, _stop: asyncio.Event) -> None:
    async with open_backbone(service, settings) as backbone:
        parts = cli.Parts(
            backbone.database, backbone.broker, backbone.topology, service.name, service.subscriptions, Console()
        )
        status = await cli.run(chosen, parts)
    raise SystemExit(status)


async def _at_desk(service: Service[S, P], settings: S, chosen: argparse.Namespace, _stop: asyncio.Event) -> None:
    async with open_backbone(service, settings) as backbone:
        status = await intake_cli.run(chosen, Desk(backbone.database, backbone.keys), Console())
    raise SystemExit(status)


async def _ledger(service: Service[S, P], settings: S, chosen: argparse.Namespace, _stop: asyncio.Event) -> None:
    async with open_backbone(service, settings) as backbone, service.open_parts(backbone) as parts:
        status = await ledger_cli.run(chosen, service.ledger(parts), Console()) if service.ledger else 1
    raise SystemExit(status)


async def _reseal(service: Service[S, P], settings: S, chosen: argparse.Namespace, _stop: asyncio.Event) -> None:
    async with open_backbone(service, settings) as backbone:
        await seal_cli.run(chosen, backbone.keyring, Console())


def run_service(service: Service[S, P], arguments: Sequence[str] | None = None) -> None:
    """Run one command of the service; the process ends with it."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser(service)
    chosen = parser.parse_args(_with_plain_text(service, arguments))
    settings = load(service.settings)
    logging.configure(service.name, settings.log_level)
    tools = {intake_cli.COMMAND: _at_desk, seal_cli.COMMAND: _reseal, ledger_cli.COMMAND: _ledger}
    tools |= dict.fromkeys(cli.COMMANDS, _operate) | dict.fromkeys(service.commands, _command)
    if chosen.command in tools:
        run(partial(tools[chosen.command], service, settings, chosen))
    elif chosen.command == "migrate":
        run(partial(_migrate, service, settings))
    elif chosen.command == "topology":
        run(partial(_topology, service, settings))
    else:
        run(partial(_serve, service, settings, chosen.command))


def _with_plain_text(service: Service[S, P], arguments: Sequence[str]) -> Sequence[str]:
    """What a command of the service's own is given is text, also where it begins with a dash: a key's id may."""
    command, *rest = arguments or [""]
    if command not in service.commands or not rest or {"-h", "--help"} & {*rest}:
        return arguments
    return [command, "--", *rest]


def _parser(service: Service[S, P]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {service.name}", description=service.title)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, what in {
        "all": "api and worker in one process",
        "api": "answer HTTP requests",
        "worker": "consume events, relay the outbox, run the loops",
        "migrate": "bring the schema up to date",
        "topology": "declare exchanges, queues and bindings",
    }.items():
        commands.add_parser(name, help=what)
    cli.add_commands(commands)
    seal_cli.add_command(commands)
    if service.ledger is not None:
        ledger_cli.add_command(commands)
    intake_cli.add_command(commands)
    for name, command in service.commands.items():
        own = commands.add_parser(name, help=(command.__doc__ or "").strip().splitlines()[0])
        for each in _arguments(command):
            needed = each.default is inspect.Parameter.empty
            own.add_argument(each.name, nargs=None if needed else "?", default=None if needed else each.default)
    return parser
