"""Builds the gateway's parts in order and closes them in reverse; the only wiring."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import uvicorn
from pydantic import SecretStr

from contracts.auth import SessionsRevoked, SigningKeyRemoved, SystemSettingChanged
from contracts.billing import EntitlementsChanged
from gateway.access import AccessLog, count_refused_head
from gateway.addresses import Addresses
from gateway.api_keys import ApiKeys, Ask
from gateway.app import Gateway, Parts
from gateway.cache.cache import Cache
from gateway.cache.generations import Invalidation
from gateway.cache.policy import Policy
from gateway.deadlines import Sweep
from gateway.edge import Bounds, Door
from gateway.events.connected import Connected
from gateway.events.door import EventsDoor
from gateway.events.feeder import Feeder
from gateway.events.hub import Hub
from gateway.events.passing import Passing
from gateway.events.presence import PresenceDoor
from gateway.events.sight import Sight
from gateway.events.streams import Streams
from gateway.feed import Feed
from gateway.fetch import NotFetched, ask, fetch
from gateway.headers import SECURITY, STRICT_SECURITY, Cors
from gateway.health import AdminDoor, Health
from gateway.keys import KeyRing
from gateway.limits import Limiter
from gateway.maintenance import Maintenance, MaintenanceWatch
from gateway.plans import LARGEST_PAGE, Plans, PlanWatch
from gateway.policies import PolicyFile
from gateway.policy import read
from gateway.redis_pipe import RedisPipe
from gateway.revocations import MOST_REVOCATIONS, Revocations, RevocationWatch
from gateway.routes import RATES, RouteTable
from gateway.seen import EVERY, Seen
from gateway.server import listen, serve, serve_public
from gateway.settings import GatewaySettings
from gateway.stays import Most, Stays
from gateway.tokens import Verifier
from gateway.upstream import Upstream
from kit.clock import LearnedClock
from kit.http.peer import token_of
from kit.http.tokens import staff_audience
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.process import Loop, in_order, supervise
from kit.seal.sealer import Sealer
from kit.telemetry import logging, tracing


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that is built: its two doors and its background."""

    door: Door
    gateway: Gateway
    admin: uvicorn.Config
    health: Health
    stays: Stays
    limits: PolicyFile
    loops: tuple[Loop, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """What connects the gateway with the rest of the platform."""

    sweep: Sweep
    redis: RedisPipe
    broker: Broker
    topology: Topology
    upstreams: Mapping[str, Upstream]
    keys_at: Upstream


@dataclass(frozen=True, slots=True)
class Known:
    """What the gateway remembers of what services decide, and the loops that keep it true."""

    clock: LearnedClock
    keys: KeyRing
    revocations: Revocations
    revocation_watch: RevocationWatch
    plans: Plans
    plan_watch: PlanWatch
    maintenance: Maintenance
    maintenance_watch: MaintenanceWatch
    feed: Feed

    @property
    def loops(self) -> tuple[Loop, ...]:
        """They fetch it whole from time to time, and hear of changes meanwhile."""
        return (
            Loop("keys", self.keys.run),
            Loop("revocations", self.revocation_watch.run),
            Loop("feed", self.feed.run),
            Loop("plans", self.plan_watch.run),
            Loop("maintenance", self.maintenance_watch.run),
        )

    def verifier(self, settings: GatewaySettings, *, staff: bool = False) -> Verifier:
        """Verifies tokens of people, or of staff."""
        audience = staff_audience(settings.token_audience) if staff else settings.token_audience
        return Verifier(
            self.keys,
            self.clock,
            issuer=settings.token_issuer,
            audience=audience,
            staff=staff,
            trusts_memory=lambda: self.revocations.fresh,
        )


@dataclass(frozen=True, slots=True)
class Live:
    """What carries events on to those who listen for long."""

    hub: Hub
    passing: Passing
    feeder: Feeder
    policy: Policy
    stays: Stays


@asynccontextmanager
async def built(settings: GatewaySettings) -> AsyncIterator[Running]:
    """All parts, until the block is left."""
    async with AsyncExitStack() as closing:
        lines = await _lines(settings, closing)
        known = await _known(settings, lines)
        live = await _live(settings, lines, known, closing)
        rates = read(settings.policy_file, RATES)
        limiter = Limiter(
            lines.redis,
            settings.namespace,
            rates,
            plan_of=known.plans.of,
            share=settings.limit_processes,
            scale=settings.limit_scale,
        )
        limits = PolicyFile(settings.policy_file, RATES, limiter.adopt)
        access_log = AccessLog()
        closing.callback(access_log.flush)
        connected = Connected(live.passing, _inbox(settings, lines, "/internal/presence"))
        health = _health(lines, known, live, limits)
        parts = _parts(settings, lines, known, live, limiter, access_log, health, connected)
        gateway = Gateway(parts)
        yield Running(
            door=_door(settings, parts, lines.sweep, gateway),
            gateway=gateway,
            admin=uvicorn.Config(
                AdminDoor(parts.health),
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
            ),
            health=parts.health,
            stays=live.stays,
            limits=limits,
            loops=(
                *known.loops,
                Loop("policy", limits.run),
                Loop("long-connections", live.stays.watch),
                Loop("events-feed", live.feeder.run),
                *live.hub.loops,
                Loop("presence", connected.run),
                Loop("seen", parts.seen.tell, every=EVERY),
                Loop("access-log", partial(_flushed, access_log), every=0.5),
            ),
        )


async def _lines(settings: GatewaySettings, closing: AsyncExitStack) -> Lines:
    sweep = Sweep()
    sweep.start()
    closing.callback(sweep.stop)
    redis = await _started(RedisPipe(settings.redis_url.get_secret_value()), closing)
    addresses = {
        "auth": settings.auth_url,
        "billing": settings.billing_url,
        "compliance": settings.compliance_url,
        "generation": settings.generation_url,
        "inbox": settings.inbox_url,
        "publisher": settings.publisher_url,
    }
    upstreams = {name: Upstream(name, url, sweep) for name, url in addresses.items()}
    keys_at = Upstream("keys", settings.jwks_url, sweep)
    for upstream in (*upstreams.values(), keys_at):
        closing.callback(upstream.close)
    broker = Broker(settings.broker_url.get_secret_value(), name="gateway")
    closing.push_async_callback(broker.close)
    return Lines(sweep, redis, broker, Topology(settings.namespace), upstreams, keys_at)


async def _started(pipe: RedisPipe, closing: AsyncExitStack) -> RedisPipe:
    await pipe.start()
    closing.push_async_callback(pipe.stop)
    return pipe


async def _known(settings: GatewaySettings, lines: Lines) -> Known:
    auth, billing = lines.upstreams["auth"], lines.upstreams["billing"]
    clock = LearnedClock()  # the snapshot of revocations brings the time
    keys = KeyRing(partial(fetch, lines.keys_at, urlsplit(settings.jwks_url).path or "/"))
    revocations, plans, maintenance = Revocations(), Plans(), Maintenance(clock.now)
    revoked = partial(fetch, auth, "/internal/revocations", at_most=MOST_REVOCATIONS)
    revocation_watch = RevocationWatch(
        revocations, lines.redis, settings.namespace, revoked, clock.learn, drop_key=keys.drop
    )
    plan_watch = PlanWatch(plans, partial(fetch, billing, at_most=LARGEST_PAGE))
    maintained = partial(fetch, auth, "/internal/maintenance")
    maintenance_watch = MaintenanceWatch(maintenance, lines.redis, settings.namespace, maintained)
    await maintenance_watch.recall()
    feed = Feed(
        lines.broker,
        lines.topology,
        {
            SessionsRevoked: revocation_watch.hear,
            SigningKeyRemoved: revocation_watch.hear_key,
            EntitlementsChanged: plan_watch.hear,
            SystemSettingChanged: maintenance_watch.hear,
        },
        returned=partial(_ask_again, revocation_watch, plan_watch, maintenance_watch),
        alive=revocations.heard,
    )
    return Known(clock, keys, revocations, revocation_watch, plans, plan_watch, maintenance, maintenance_watch, feed)


async def _live(settings: GatewaySettings, lines: Lines, known: Known, closing: AsyncExitStack) -> Live:
    url = settings.redis_url.get_secret_value()
    redis, tail = [await _started(RedisPipe(url, timeout=limit), closing) for limit in (2.0, 6.0)]
    streams, policy = Streams(redis, settings.namespace), Policy()
    feeder = Feeder(lines.broker, lines.topology, streams, Invalidation(redis, settings.namespace, policy))
    stays = Stays(known.clock, known.revocations, Most(all=settings.max_listeners))
    return Live(Hub(streams, tail), streams.passing, feeder, policy, stays)


def _health(lines: Lines, known: Known, live: Live, limits: PolicyFile) -> Health:
    return Health(
        {
            "keys": lambda: known.keys.usable,
            "redis": lambda: lines.redis.up,
            "revocations": lambda: known.revocations.fresh,
            "revocation_feed": lambda: known.feed.listening,
            "plans": lambda: known.plan_watch.complete,
            "policy": lambda: limits.good,
            "events_feed": lambda: live.feeder.feeding,
        },
        clock=known.clock,
    )


def _parts(  # noqa: PLR0917 - what answers are made of
    settings: GatewaySettings,
    lines: Lines,
    known: Known,
    live: Live,
    limiter: Limiter,
    access_log: AccessLog,
    health: Health,
    connected: Connected,
) -> Parts:
    verifier, auth = known.verifier(settings), lines.upstreams["auth"]
    exchange = _ask(settings.auth_secret, auth, "/internal/api-keys/exchanges")
    api_keys = ApiKeys(exchange, verifier, known.clock, trusts_memory=lambda: known.revocations.fresh)
    known.keys.heed(api_keys.forget)
    return Parts(
        routes=RouteTable(),
        upstreams=lines.upstreams,
        verifier=verifier,
        seen=Seen(_ask(settings.auth_secret, auth, "/internal/sessions/seen")),
        api_keys=api_keys,
        staff_verifier=known.verifier(settings, staff=True),
        limiter=limiter,
        revocations=known.revocations,
        addresses=Addresses(settings.trusted_proxies),
        staff_addresses=Addresses(settings.staff_networks) if settings.staff_networks else None,
        cors=Cors(settings.cors_origins),
        log=access_log,
        health=health,
        stays=live.stays,
        events=EventsDoor(live.hub, live.stays, connected),
        presence=PresenceDoor(live.passing, Sight(_inbox(settings, lines, "/internal/viewers"))),
        cache=Cache(lines.redis, settings.namespace, live.policy, most_bytes=settings.cache_bytes),
        maintenance=known.maintenance,
        secure=settings.environment == "production",
        max_in_flight=settings.max_in_flight,
        trace_sample=settings.trace_sample if settings.otlp_endpoint else 0.0,
    )


def _door(settings: GatewaySettings, parts: Parts, sweep: Sweep, gateway: Gateway) -> Door:
    return Door(
        sweep,
        gateway.serve,
        Bounds(connections=settings.max_connections, per_address=settings.max_connections_per_address),
        lines=STRICT_SECURITY if parts.secure else SECURITY,
        on_refused=count_refused_head,
        is_proxy=parts.addresses.is_trusted,
    )


def _inbox(settings: GatewaySettings, lines: Lines, door: str) -> Ask:
    return _ask(settings.inbox_secret, lines.upstreams["inbox"], door, "GATEWAY_INBOX_SECRET")


def _ask(shared: SecretStr, upstream: Upstream, door: str, name: str = "GATEWAY_AUTH_SECRET") -> Ask:
    """How a service is asked in the gateway's name, about API keys and other things; without a secret it is not."""
    secret = shared.get_secret_value()
    if secret:
        token = token_of("gateway", Sealer.from_text(secret))
        return partial(ask, upstream, door, token)

    async def unset(_question: bytes) -> bytes:
        raise NotFetched(f"{name} is not set")

    return unset


async def _ask_again(revocations: RevocationWatch, plans: PlanWatch, maintenance: MaintenanceWatch) -> None:
    plans.missed()
    maintenance.missed()
    await revocations.synchronise()


async def _flushed(access_log: AccessLog) -> None:
    access_log.flush()


async def run(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """The whole life of the process."""
    logging.configure("gateway", settings.log_level)
    tracing.configure("gateway", endpoint=settings.otlp_endpoint, sample=settings.trace_sample)
    try:
        async with built(settings) as running:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, running.limits.ask)
            public = listen(settings.http_host, settings.http_port)
            admin = listen(settings.admin_host, settings.admin_listen_port)
            _settle_memory()
            await in_order(
                stop,
                partial(_draining, running, settings.drain_notice),
                partial(serve_public, running.door, running.gateway.tasks, public, settings.drain_seconds),
                partial(serve, running.admin, admin),
                partial(supervise, running.loops),
            )
    finally:
        tracing.shut_down()


def _settle_memory() -> None:
    """What has been built lives as long as the process: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


async def _draining(running: Running, notice: float, stop: asyncio.Event) -> None:
    """The first stage to end: tell the load balancer, give it time to notice, then send the long connections away."""
    await stop.wait()
    running.health.drain()
    if notice:
        await asyncio.sleep(notice)
    running.stays.drain()
