"""What a call of a model costs beside the call: reservation, settlement and routing, against LiteLLM's proxy.

The model is the sandbox's, which answers at once, so what is left is what stands between. Three ways to the same
streamed answer, in turns: the official SDK alone; `Calling.write`, with its two transactions; and the SDK through
LiteLLM's proxy, which runs in an environment of its own below `build/bench/litellm` (made by `full` if the registry
can be reached; without it the row says so). Beside them: how many streams one process carries at once and what memory
each takes, and how many kept answers are found a second.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks import harness, litellm
from benchmarks.harness import Result, Size
from generation import migrations
from generation.answers.cache import Kept
from generation.bootstrap import Parts, generating
from generation.calls.calling import Wish, Written
from generation.calls.model import Purpose
from generation.providers.base import Ask, Message
from generation.providers.openai_api import OpenAiApi
from generation.settings import GenerationSettings
from kit.db.database import Database
from kit.http.client import Outbound
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases
from kit.testing.outside import running_sandbox

CALLS: Final = {"short": 40, "full": 200}
ROUNDS: Final = {"short": 3, "full": 5}
STREAMS: Final = 200
HITS: Final = 500
MODEL: Final = "gpt-5.4-mini"
ASK: Final = Ask([Message("user", "Say something about the weather.")], 400)
LITELLM: Final = harness.FOLDER / "litellm"
MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Stage:
    """Our service's parts, and the two bare ways."""

    parts: Parts
    purpose: Purpose
    bare: OpenAiApi
    proxy: OpenAiApi | None
    missing: str

    async def ours(self) -> None:
        """One answer, reserved and settled."""
        async for piece in self.parts.calling.write(self.purpose, ASK, Wish(model=MODEL)):
            if isinstance(piece, Written) and not piece.text:
                raise AssertionError("nothing was written")

    async def alone(self) -> None:
        """One answer by the SDK."""
        await drained(self.bare)

    async def proxied(self) -> None:
        """One answer through the proxy."""
        if self.proxy is not None:
            await drained(self.proxy)


async def drained(api: OpenAiApi) -> None:
    """Read an answer to its end."""
    async for _ in api.write(MODEL, ASK):
        pass


async def measure(size: Size) -> Sequence[Result]:
    """All rows."""
    with running_sandbox() as sandbox:
        async with opened(f"{sandbox.url}/openai/v1", size) as stage:
            return [*await added(stage, size), *await streams(stage), await hits(stage, ROUNDS[size])]


@asynccontextmanager
async def opened(url: str, size: Size, *, with_proxy: bool = True) -> AsyncIterator[Stage]:
    """The service on a database of its own, and the proxy if it can be had."""
    databases = Databases()
    place = await databases.clone({"generation": migrations})
    database = await Database.open(place.url("generation"), name="bench", pool_size=16, acquire_within=60)
    told: dict[str, Any] = {
        "http_port": 1,
        "jwks_url": "http://127.0.0.1:1/jwks.json",
        "database_url": place.url("generation"),
        "openai_url": url,
        "openai_api_key": "sk-sandbox",
        "monthly_budget_micros": 2**52,
    }
    keyring = Keyring(database, LocalMasterKey.from_text("A" * 43))
    parts = generating(GenerationSettings(**told), database, keyring, Outbound())
    bare = OpenAiApi("bare", url, "sk-sandbox")
    async with proxy(url, size) if with_proxy else nullcontext(("", "")) as (address, missing):
        through = OpenAiApi("proxy", address, litellm.KEY) if address else None
        try:
            yield Stage(parts, Purpose(new_id(), None, "bench", new_id()), bare, through, missing)
        finally:
            await parts.close()
            await bare.close()
            if through:
                await through.close()
            await database.close()
            await databases.close()


async def added(stage: Stage, size: Size) -> list[Result]:
    """Milliseconds that each way adds to the SDK alone; the median of many calls, one after the other."""
    ours, theirs = [], []
    for _ in range(3):
        await asyncio.gather(stage.ours(), stage.alone(), stage.proxied())
    for _ in range(ROUNDS[size]):
        plain = await median(stage.alone, CALLS[size])
        ours.append(await median(stage.ours, CALLS[size]) - plain)
        if stage.proxy is not None:
            theirs.append(await median(stage.proxied, CALLS[size]) - plain)
    what = "added to the SDK's call; beside LiteLLM's proxy"
    return [Result(what, "ms", ours, theirs, 2.0, less_is_better=True, missing=stage.missing)]


async def median(call: Callable[[], Awaitable[None]], times: int) -> float:
    """The median of so many calls, in milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


async def streams(stage: Stage) -> list[Result]:
    """Many at the same time in one process: how many end a second, and the memory that each takes."""
    process = psutil.Process(os.getpid())
    before, began = process.memory_info().rss, time.perf_counter()
    await asyncio.gather(*(stage.ours() for _ in range(STREAMS)))
    took = time.perf_counter() - began
    each = max(process.memory_info().rss - before, 0) / MEBIBYTE / STREAMS
    return [
        Result(f"{STREAMS} streams at once, ended", "streams/s", [STREAMS / took]),
        Result(f"{STREAMS} streams at once, memory of each", "MiB", [each], [1.0], 1.0, less_is_better=True),
    ]


async def hits(stage: Stage, rounds: int) -> Result:
    """Kept answers found and opened, 16 at a time."""
    cache, organization_id = stage.parts.running.cache, stage.purpose.organization_id
    key = await cache.key(organization_id, ASK, MODEL)
    await cache.keep(organization_id, key, Kept("An answer. " * 40, MODEL, 10))
    rates = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(HITS // 16):
            await asyncio.gather(*(cache.find(organization_id, key) for _ in range(16)))
        rates.append(HITS // 16 * 16 / (time.perf_counter() - began))
    return Result("kept answers found", "requests/s", rates)


@asynccontextmanager
async def proxy(url: str, size: Size) -> AsyncIterator[tuple[str, str]]:
    """LiteLLM's proxy before the same model: its address, or why there is none."""
    if size != "full" and not litellm.program(LITELLM).exists():
        yield "", "litellm: `make bench-full NAMES=generation` makes its environment"
        return
    if missing := litellm.installed(LITELLM):
        yield "", missing
        return
    model = {"model": f"openai/{MODEL}", "api_base": url, "api_key": "sk-sandbox"}
    async with litellm.running(LITELLM, [{"model_name": MODEL, "litellm_params": model}]) as found:
        yield found


if __name__ == "__main__":
    harness.run("generation", measure)
