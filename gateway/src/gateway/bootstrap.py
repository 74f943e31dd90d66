"""Builds the gateway's parts in order and closes them in reverse; the only wiring."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import uvicorn

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
from gateway.events.door import EventsDoor
from gateway.events.feeder import Feeder
from gateway.events.hub import Hub
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


def _upstreams(settings: GatewaySettings, sweep: Sweep) -> dict[str, Upstream]:
    addresses = {
        "auth": settings.auth_url,
        "billing": settings.billing_url,
        "compliance": settings.compliance_url,
        "inbox": settings.inbox_url,
        "publisher": settings.publisher_url,
    }
    return {name: Upstream(name, url, sweep) for name, url in addresses.items()}


@asynccontextmanager
async def built(settings: GatewaySettings) -> AsyncIterator[Running]:
    """All parts, until the block is left."""
    async with AsyncExitStack() as closing:
        sweep = Sweep()
        sweep.start()
        closing.callback(sweep.stop)
        redis = RedisPipe(settings.redis_url.get_secret_value())
        await redis.start()
        closing.push_async_callback(redis.stop)
        upstreams = _upstreams(settings, sweep)
        jwks = urlsplit(settings.jwks_url)
        keys_at = Upstream("keys", settings.jwks_url, sweep)
        for upstream in (*upstreams.values(), keys_at):
            closing.callback(upstream.close)

        clock = LearnedClock()  # the snapshot brings the time
        keys = KeyRing(partial(fetch, keys_at, jwks.path or "/"))
        revocations = Revocations()
        ask = partial(fetch, upstreams["auth"], "/internal/revocations", at_most=MOST_REVOCATIONS)
        watch = RevocationWatch(revocations, redis, settings.namespace, ask, clock.learn, drop_key=keys.drop)
        broker = Broker(settings.broker_url.get_secret_value(), name="gateway")
        closing.push_async_callback(broker.close)
        topology = Topology(settings.namespace)
        plans = Plans()
        plan_watch = PlanWatch(plans, partial(fetch, upstreams["billing"], at_most=LARGEST_PAGE))
        maintenance = Maintenance(clock.now)
        maintenance_watch = MaintenanceWatch(
            maintenance, redis, settings.namespace, partial(fetch, upstreams["auth"], "/internal/maintenance")
        )
        await maintenance_watch.recall()
        feed = Feed(
            broker,
            topology,
            {
                SessionsRevoked: watch.hear,
                SigningKeyRemoved: watch.hear_key,
                EntitlementsChanged: plan_watch.hear,
                SystemSettingChanged: maintenance_watch.hear,
            },
            returned=partial(_ask_again, watch, plan_watch, maintenance_watch),
            alive=revocations.heard,
        )
        limiter = Limiter(
            redis,
            settings.namespace,
            read(settings.policy_file, RATES),
            plan_of=plans.of,
            share=settings.limit_processes,
            scale=settings.limit_scale,
        )
        limits = PolicyFile(settings.policy_file, RATES, limiter.adopt)

        streams_redis, tail = (
            RedisPipe(settings.redis_url.get_secret_value(), timeout=limit) for limit in (2.0, 6.0)
        )
        for pipe in (streams_redis, tail):
            await pipe.start()
            closing.push_async_callback(pipe.stop)
        streams = Streams(streams_redis, settings.namespace)
        hub = Hub(streams, tail)
        policy = Policy()
        feeder = Feeder(broker, topology, streams, Invalidation(streams_redis, settings.namespace, policy))
        stays = Stays(clock, revocations, Most(all=settings.max_listeners))

        secure = settings.environment == "production"
        addresses = Addresses(settings.trusted_proxies)
        access_log = AccessLog()
        closing.callback(access_log.flush)
        health = Health(
            {
                "keys": lambda: keys.usable,
                "redis": lambda: redis.up,
                "revocations": lambda: revocations.fresh,
                "revocation_feed": lambda: feed.listening,
                "plans": lambda: plan_watch.complete,
                "policy": lambda: limits.good,
                "events_feed": lambda: feeder.feeding,
            },
            clock=clock,
        )
        verifier = Verifier(
            keys,
            clock,
            issuer=settings.token_issuer,
            audience=settings.token_audience,
            trusts_memory=lambda: revocations.fresh,
        )
        key_exchange = _ask(settings, upstreams["auth"], "/internal/api-keys/exchanges")
        api_keys = ApiKeys(key_exchange, verifier, clock, trusts_memory=lambda: revocations.fresh)
        keys.heed(api_keys.forget)
        seen = Seen(_ask(settings, upstreams["auth"], "/internal/sessions/seen"))
        gateway = Gateway(
            Parts(
                routes=RouteTable(),
                upstreams=upstreams,
                verifier=verifier,
                seen=seen,
                api_keys=api_keys,
                staff_verifier=Verifier(
                    keys,
                    clock,
                    issuer=settings.token_issuer,
                    audience=staff_audience(settings.token_audience),
                    staff=True,
                    trusts_memory=lambda: revocations.fresh,
                ),
                limiter=limiter,
                revocations=revocations,
                addresses=addresses,
                staff_addresses=Addresses(settings.staff_networks) if settings.staff_networks else None,
                cors=Cors(settings.cors_origins),
                log=access_log,
                health=health,
                stays=stays,
                events=EventsDoor(hub, stays),
                cache=Cache(redis, settings.namespace, policy, most_bytes=settings.cache_bytes),
                maintenance=maintenance,
                secure=secure,
                max_in_flight=settings.max_in_flight,
                trace_sample=settings.trace_sample if settings.otlp_endpoint else 0.0,
            )
        )
        door = Door(
            sweep,
            gateway.serve,
            Bounds(connections=settings.max_connections, per_address=settings.max_connections_per_address),
            lines=STRICT_SECURITY if secure else SECURITY,
            on_refused=count_refused_head,
            is_proxy=addresses.is_trusted,
        )
        yield Running(
            door=door,
            gateway=gateway,
            admin=uvicorn.Config(
                AdminDoor(health), http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
            ),
            health=health,
            stays=stays,
            limits=limits,
            loops=(
                Loop("keys", keys.run),
                Loop("revocations", watch.run),
                Loop("feed", feed.run),
                Loop("plans", plan_watch.run),
                Loop("maintenance", maintenance_watch.run),
                Loop("policy", limits.run),
                Loop("long-connections", stays.watch),
                Loop("events-feed", feeder.run),
                *hub.loops,
                Loop("seen", seen.tell, every=EVERY),
                Loop("access-log", partial(_flushed, access_log), every=0.5),
            ),
        )


def _ask(settings: GatewaySettings, auth: Upstream, door: str) -> Ask:
    """How auth is asked in the gateway's name, about API keys and other things; without a secret it is not."""
    secret = settings.auth_secret.get_secret_value()
    if secret:
        token = token_of("gateway", Sealer.from_text(secret))
        return partial(ask, auth, door, token)

    async def unset(_question: bytes) -> bytes:
        raise NotFetched("GATEWAY_AUTH_SECRET is not set")

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
