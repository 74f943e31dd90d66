"""Signing up and in while everybody comes at once, beside what the hashes alone need on this machine.

Auth runs as in production (an api, and a worker that sends the mails meanwhile) behind the gateway, on whatever cores
there are. 200 people sign up at once: the mean and the last answer are compared with the time that 200 hashes of ours
take on all cores with nothing else to do, measured right before in the same run. Meanwhile somebody who is signed in
goes on asking the gateway, which verifies the token each time. Sign-ins are compared with the verifications that all
cores could do.
"""

import asyncio
import base64
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from rich.console import Console
from rich.table import Table

from auth import bootstrap, migrations
from auth.passwords.hashing import MEMORY_KIB, PASSES
from benchmarks import harness, spent
from benchmarks.harness import Result, Size
from benchmarks.outside import Browser, Postbox, browsers
from benchmarks.spent import Watch
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.databases import Databases
from kit.testing.plugin import BROKER_URL, REDIS_URL
from kit.testing.ports import free_port
from kit.testing.programs import Program

PEOPLE: Final = 200
MEAN_WITHIN, LAST_WITHIN = 0.65, 1.3
VERIFIED_WITHIN_MS: Final = 50.0
OF_THE_BARE: Final = 0.8
EVERY: Final = 0.01
TOGETHER: Final = 24
"""People who sign in at the same time."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Auth behind the gateway, and the mailboxes of those who sign up."""

    auth: int
    gateway: int
    postbox: Postbox
    watch: Watch


def key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


@asynccontextmanager
async def platform(folder: Path) -> AsyncIterator[Platform]:
    """Auth and gateway with a database, queues and a mail server of their own."""
    async with AsyncExitStack() as closing:
        databases, topology = Databases(), Topology(f"bench{secrets.token_hex(4)}")
        closing.push_async_callback(databases.close)
        heard = bootstrap.SERVICE.heard_by() | bootstrap.SERVICE.own_consumers()
        broker = Broker(BROKER_URL, name="bench")
        connection = await broker.connect("topology")
        await topology.declare(connection, heard)
        closing.push_async_callback(topology.delete, connection, heard)
        place = await databases.clone({"auth": migrations})
        postbox, mail = Postbox(), free_port()
        await postbox.open(mail)
        closing.push_async_callback(postbox.close)
        auth, gateway, admin, secret = free_port(), free_port(), free_port(), key()
        jwks = f"http://127.0.0.1:{auth}/.well-known/jwks.json"
        common = {"JWKS_URL": jwks, "BROKER_URL": BROKER_URL, "NAMESPACE": topology.namespace}
        own = {
            "HTTP_PORT": str(auth),
            "DATABASE_URL": place.url("auth"),
            "SEALING_KEY": key(),
            "SMTP_URL": f"smtp://127.0.0.1:{mail}",
            "CLIENT_SECRETS": f'{{"gateway": "{secret}"}}',
            "LOG_LEVEL": "warning",
        }
        api = await started(closing, "auth", ("auth", "api"), common | own, folder, auth)
        behind = free_port()
        own["HTTP_PORT"] = str(behind)
        worker = await started(closing, "auth", ("auth", "worker"), common | own, folder, behind)
        places = {f"{name}_URL": f"http://127.0.0.1:{auth}" for name in _UPSTREAMS}
        front = {
            "HTTP_PORT": str(gateway),
            "ADMIN_PORT": str(admin),
            "REDIS_URL": REDIS_URL,
            "AUTH_SECRET": secret,
            "LIMIT_SCALE": "100000",
            "LOG_LEVEL": "warning",
        }
        door = await started(closing, "gateway", ("gateway",), common | places | front, folder, gateway)
        processes = {"gateway": door, _API: api, "auth's worker": worker, "browsers and mail server": os.getpid()}
        yield Platform(auth, gateway, postbox, Watch(processes, place.name, split=_API))


_API: Final = "auth's api"
_UPSTREAMS: Final = ("AUTH", "BILLING", "COMPLIANCE", "GENERATION", "INBOX", "PUBLISHER")


async def started(  # noqa: PLR0917 - what a process is made of
    closing: AsyncExitStack, name: str, command: tuple[str, ...], told: dict[str, str], folder: Path, port: int
) -> int:
    """A program that is ended with the platform; its process's number."""
    environment = {f"{name.upper()}_{setting}": value for setting, value in told.items()}
    program = Program(command, environment, folder / f"{name}-{port}.log", port)
    closing.push_async_callback(program.kill)
    await program.start()
    return program.pid


@dataclass(frozen=True, slots=True)
class Bare:
    """Seconds that so many hashes, and so many verifications, take on all cores with nothing else to do.

    And how much of a processor one hash uses.
    """

    hashes: float
    verifications: float
    hash_cpu: float


def bare(work: int) -> Bare:
    """Measure them."""
    hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
    hashed = hasher.hash("plum-otter-gravel-94-sky")
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        list(threads.map(hasher.hash, ["warm"] * 4))
        began, used = time.perf_counter(), time.process_time()
        list(threads.map(hasher.hash, [f"plum-otter-gravel-{at}" for at in range(work)]))
        between, used = time.perf_counter(), time.process_time() - used
        list(threads.map(lambda _: hasher.verify(hashed, "plum-otter-gravel-94-sky"), range(work)))
        return Bare(between - began, time.perf_counter() - between, used / work)


async def signed_up(lines: Sequence[Browser], names: Sequence[str]) -> list[float]:
    """Seconds until each has an answer, all at once."""

    async def one(line: Browser, name: str) -> float:
        began = time.perf_counter()
        body = {"email": f"{name}@example.test", "password": f"plum-otter-{name}-gravel"}
        (await line.ask("POST", "/v1/accounts", body)).good()
        return time.perf_counter() - began

    return list(await asyncio.gather(*map(one, lines, names)))


async def verified(line: Browser, token: str, ended: asyncio.Event) -> list[float]:
    """Milliseconds that the gateway takes for requests with a token, one each hundredth of a second.

    What is asked for it answers by itself, so that nothing but the gateway is measured: a path that it does not route
    for the caller's plan is refused after the token was verified and counted.
    """
    found = []
    while not ended.is_set():
        began = time.perf_counter()
        answer = await line.ask("GET", "/v1/events", headers={"authorization": f"Bearer {token}"})
        found.append(1000 * (time.perf_counter() - began))
        if answer.status not in (200, 400, 403, 406):
            raise RuntimeError(f"the gateway answers {answer.status}")
        await asyncio.sleep(EVERY)
    return found


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has an account, and was here before."""

    body: dict[str, str]
    access_token: str
    device_token: str


async def member(here: Platform, line: Browser, name: str) -> Person:
    """Somebody who has signed up, proven the address and signed in."""
    text = ""
    for _ in range(1200):
        text = here.postbox.texts.get(f"{name}@example.test", "").replace("=\r\n", "").replace("=3D", "=")
        if "#token=" in text:
            break
        await asyncio.sleep(0.05)
    token = text.partition("#token=")[2].split()[0].split('"')[0]
    password = f"plum-otter-{name}-gravel"
    (await line.ask("POST", "/v1/accounts/verify", {"token": token, "password": password})).good()
    body = {"email": f"{name}@example.test", "password": password}
    told = (await line.ask("POST", "/v1/sessions", body)).good().json()
    return Person(body, told["access_token"], told["device_token"])


async def sign_ins(lines: Sequence[Browser], people: Sequence[Person], number: int) -> float:
    """Sign-ins a second, by several people on devices of theirs, each one after the other."""
    turns = iter(range(number))

    async def one(line: Browser, person: Person) -> None:
        for _ in turns:
            (await line.ask("POST", "/v1/sessions", person.body, {"device-token": person.device_token})).good()

    began = time.perf_counter()
    await asyncio.gather(*map(one, lines, people))
    return number / (time.perf_counter() - began)


@dataclass(slots=True)
class Seen:
    """What was measured, round by round."""

    means: list[float] = field(default_factory=list)
    lasts: list[float] = field(default_factory=list)
    hashes: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    sign_ins: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    hash_cpu: list[float] = field(default_factory=list)
    spent: dict[str, list[dict[str, float]]] = field(default_factory=dict)


async def measure(size: Size) -> Sequence[Result]:
    """Rounds of hashes alone, of sign-ups at once, and of sign-ins."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:
        async with platform(Path(folder)) as here:
            names = [f"warm{at}" for at in range(TOGETHER)]
            async with browsers(here.gateway, TOGETHER) as lines:
                await signed_up(lines, names)
                people = [await member(here, lines[0], name) for name in names]
            for turn in range(3 if size == "short" else 7):
                limits = await asyncio.to_thread(bare, PEOPLE)
                async with browsers(here.gateway, PEOPLE + 1) as lines:
                    await measured(seen, limits, here, lines, people, turn)
    Console().print(where_it_went(seen))
    return results(seen)


async def measured(  # noqa: PLR0917 - what a round is made of
    seen: Seen, limits: Bare, here: Platform, lines: Sequence[Browser], people: Sequence[Person], turn: int
) -> None:
    """One round, after the hashes and the verifications alone took as long as `limits` says."""
    ended, before = asyncio.Event(), here.watch.now()
    watching = asyncio.create_task(verified(lines[-1], people[0].access_token, ended))
    times = await signed_up(lines, names_of(turn))
    ended.set()
    seen.spent.setdefault("sign-up", []).append(here.watch.since(before))
    seen.late.append(harness.percentile(await watching, 99))
    await written_to(here.postbox, turn)
    seen.spent.setdefault("sign-up with its mail", []).append(here.watch.since(before))
    seen.means.append(statistics.mean(times))
    seen.lasts.append(max(times))
    seen.hashes.append(limits.hashes)
    seen.hash_cpu.append(limits.hash_cpu)
    before = here.watch.now()
    seen.sign_ins.append(await sign_ins(lines, people, PEOPLE))
    seen.spent.setdefault("sign-in", []).append(here.watch.since(before))
    seen.limits.append(PEOPLE / limits.verifications)


async def written_to(postbox: Postbox, turn: int) -> None:
    """Wait until everybody has a mail, at most a minute: what is still to be done would be done meanwhile."""
    for _ in range(1200):
        if all(f"{name}@example.test" in postbox.texts for name in names_of(turn)):
            return
        await asyncio.sleep(0.05)


def names_of(turn: int) -> list[str]:
    """Who signs up in a round."""
    return [f"p{turn}x{at}" for at in range(PEOPLE)]


def where_it_went(seen: Seen) -> Table:
    """The processor's time by process, a call's share of it, in the median of the rounds."""
    one = statistics.median(seen.hash_cpu)
    rows = {call: spent.a_call(rounds, PEOPLE) for call, rounds in seen.spent.items()}
    return spent.table(f"where the processor's time goes; a hash is {1000 * one:.1f} ms of it", rows, one)


def results(seen: Seen) -> Sequence[Result]:
    """As they are shown."""

    def beside(what: str, values: Sequence[float], within: float) -> Result:
        share = statistics.median(value / alone for value, alone in zip(values, seen.hashes, strict=True))
        return Result(
            f"{what} answer of {PEOPLE} sign-ups at once, beside their hashes alone",
            "s",
            values,
            [within * each for each in seen.hashes],
            1.0,
            less_is_better=True,
            more={"of_the_hashes": round(share, 3)},
        )

    meanwhile = "p99 of the gateway with a token meanwhile"
    return [
        beside("mean", seen.means, MEAN_WITHIN),
        beside("last", seen.lasts, LAST_WITHIN),
        Result(meanwhile, "ms", seen.late, [VERIFIED_WITHIN_MS], 1.0, less_is_better=True),
        Result("sign-ins, beside bare argon2id on all cores", "per second", seen.sign_ins, seen.limits, OF_THE_BARE),
    ]


if __name__ == "__main__":
    harness.run("sign_up", measure)
