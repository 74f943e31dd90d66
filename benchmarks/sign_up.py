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
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiosmtpd.controller
import httpx
from argon2 import PasswordHasher

from auth import bootstrap, migrations
from auth.passwords.hashing import MEMORY_KIB, PASSES
from benchmarks import harness
from benchmarks.harness import Result, Size
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


class Postbox:
    """Takes mails and remembers their texts."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802 - its name
        """Keep one mail by its recipient."""
        recipient, content = envelope.rcpt_tos[0], envelope.content  # type: ignore[attr-defined]
        self.texts[recipient] = content.decode("utf-8", "replace")
        return "250 OK"


@dataclass(frozen=True, slots=True)
class Platform:
    """Auth behind the gateway, and the mailboxes of those who sign up."""

    auth: int
    gateway: int
    postbox: Postbox


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
        controller = aiosmtpd.controller.Controller(postbox, hostname="127.0.0.1", port=mail)
        controller.start()
        closing.callback(controller.stop)
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
        await started(closing, "auth", ("auth", "api"), common | own, folder, auth)
        behind = free_port()
        await started(closing, "auth", ("auth", "worker"), common | own | {"HTTP_PORT": str(behind)}, folder, behind)
        places = {f"{name}_URL": f"http://127.0.0.1:{auth}" for name in _UPSTREAMS}
        front = {
            "HTTP_PORT": str(gateway),
            "ADMIN_PORT": str(admin),
            "REDIS_URL": REDIS_URL,
            "AUTH_SECRET": secret,
            "LIMIT_SCALE": "100000",
            "LOG_LEVEL": "warning",
        }
        await started(closing, "gateway", ("gateway",), common | places | front, folder, gateway)
        yield Platform(auth, gateway, postbox)


_UPSTREAMS: Final = ("AUTH", "BILLING", "COMPLIANCE", "INBOX", "PUBLISHER")


async def started(  # noqa: PLR0917 - what a process is made of
    closing: AsyncExitStack, name: str, command: tuple[str, ...], told: dict[str, str], folder: Path, port: int
) -> None:
    """A program that is ended with the platform."""
    environment = {f"{name.upper()}_{setting}": value for setting, value in told.items()}
    program = Program(command, environment, folder / f"{name}-{port}.log", port)
    closing.push_async_callback(program.kill)
    await program.start()


def bare(work: int) -> tuple[float, float]:
    """Seconds that so many hashes, and so many verifications, take on all cores with nothing else to do."""
    hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
    hashed = hasher.hash("plum-otter-gravel-94-sky")
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        list(threads.map(hasher.hash, ["warm"] * 4))
        began = time.perf_counter()
        list(threads.map(hasher.hash, [f"plum-otter-gravel-{at}" for at in range(work)]))
        between = time.perf_counter()
        list(threads.map(lambda _: hasher.verify(hashed, "plum-otter-gravel-94-sky"), range(work)))
        return between - began, time.perf_counter() - between


async def signed_up(here: Platform, http: httpx.AsyncClient, names: Sequence[str]) -> list[float]:
    """Seconds until each has an answer, all at once."""

    async def one(name: str) -> float:
        began = time.perf_counter()
        body = {"email": f"{name}@example.test", "password": f"plum-otter-{name}-gravel"}
        (await http.post(f"http://127.0.0.1:{here.gateway}/v1/accounts", json=body)).raise_for_status()
        return time.perf_counter() - began

    return list(await asyncio.gather(*(one(name) for name in names)))


async def verified(here: Platform, http: httpx.AsyncClient, token: str, ended: asyncio.Event) -> list[float]:
    """Milliseconds that the gateway takes for requests with a token, one each hundredth of a second.

    What is asked for it answers by itself, so that nothing but the gateway is measured: a path that it does not route
    for the caller's plan is refused after the token was verified and counted.
    """
    found = []
    while not ended.is_set():
        began = time.perf_counter()
        headers = {"authorization": f"Bearer {token}"}
        answer = await http.get(f"http://127.0.0.1:{here.gateway}/v1/events", headers=headers)
        found.append(1000 * (time.perf_counter() - began))
        if answer.status_code not in (200, 400, 403, 406):
            raise RuntimeError(f"the gateway answers {answer.status_code}")
        await asyncio.sleep(EVERY)
    return found


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has an account, and was here before."""

    body: dict[str, str]
    access_token: str
    device_token: str


async def member(here: Platform, http: httpx.AsyncClient, name: str) -> Person:
    """Somebody who has signed up, proven the address and signed in."""
    text, gateway = "", f"http://127.0.0.1:{here.gateway}/v1"
    for _ in range(1200):
        text = here.postbox.texts.get(f"{name}@example.test", "").replace("=\r\n", "").replace("=3D", "=")
        if "#token=" in text:
            break
        await asyncio.sleep(0.05)
    token = text.partition("#token=")[2].split()[0].split('"')[0]
    password = f"plum-otter-{name}-gravel"
    (await http.post(f"{gateway}/accounts/verify", json={"token": token, "password": password})).raise_for_status()
    body = {"email": f"{name}@example.test", "password": password}
    answer = await http.post(f"{gateway}/sessions", json=body)
    answer.raise_for_status()
    told = answer.json()
    return Person(body, told["access_token"], told["device_token"])


async def sign_ins(here: Platform, http: httpx.AsyncClient, people: Sequence[Person], number: int) -> float:
    """Sign-ins a second, by several people on devices of theirs, each one after the other."""
    turns = iter(range(number))

    async def one(person: Person) -> None:
        headers = {"device-token": person.device_token}
        for _ in turns:
            answer = await http.post(
                f"http://127.0.0.1:{here.gateway}/v1/sessions", json=person.body, headers=headers
            )
            if answer.status_code != 201:
                raise RuntimeError(answer.text)

    began = time.perf_counter()
    await asyncio.gather(*(one(person) for person in people))
    return number / (time.perf_counter() - began)


async def measure(size: Size) -> Sequence[Result]:
    """Rounds of hashes alone, of sign-ups at once, and of sign-ins."""
    rounds = 3 if size == "short" else 7
    means, lasts, hashes, late, ins, limits = ([] for _ in range(6))
    limits_of = httpx.Limits(max_connections=PEOPLE + 40, max_keepalive_connections=PEOPLE + 40)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            platform(Path(folder)) as here,
            httpx.AsyncClient(timeout=120, limits=limits_of, trust_env=False) as http,
            httpx.AsyncClient(timeout=120, trust_env=False) as other,
        ):
            names = [f"warm{at}" for at in range(TOGETHER)]
            await signed_up(here, http, names)
            people = [await member(here, http, name) for name in names]
            for turn in range(rounds):
                alone, verifying = await asyncio.to_thread(bare, PEOPLE)
                ended = asyncio.Event()
                watching = asyncio.create_task(verified(here, other, people[0].access_token, ended))
                times = await signed_up(here, http, [f"p{turn}x{at}" for at in range(PEOPLE)])
                ended.set()
                late.append(harness.percentile(await watching, 99))
                means.append(statistics.mean(times))
                lasts.append(max(times))
                hashes.append(alone)
                ins.append(await sign_ins(here, http, people, PEOPLE))
                limits.append(PEOPLE / verifying)
    return [
        Result(
            f"mean answer of {PEOPLE} sign-ups at once, beside their hashes alone",
            "s",
            means,
            [MEAN_WITHIN * each for each in hashes],
            1.0,
            less_is_better=True,
            more={"of_the_hashes": round(statistics.median(m / h for m, h in zip(means, hashes, strict=True)), 3)},
        ),
        Result(
            f"last answer of {PEOPLE} sign-ups at once, beside their hashes alone",
            "s",
            lasts,
            [LAST_WITHIN * each for each in hashes],
            1.0,
            less_is_better=True,
            more={"of_the_hashes": round(statistics.median(m / h for m, h in zip(lasts, hashes, strict=True)), 3)},
        ),
        Result(
            "p99 of the gateway with a token meanwhile", "ms", late, [VERIFIED_WITHIN_MS], 1.0, less_is_better=True
        ),
        Result("sign-ins, beside bare argon2id on all cores", "per second", ins, limits, OF_THE_BARE),
    ]


if __name__ == "__main__":
    harness.run("sign_up", measure)
