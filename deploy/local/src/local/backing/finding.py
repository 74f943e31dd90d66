"""The order in which the three servers are looked for, and what happens when one is nowhere."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.backing import debian
from local.backing.compose import Compose
from local.backing.probes import KINDS, WITH_ONE_WE_COUNT_ON, Kind, Unusable, shown
from local.private_servers import PrivatePostgres, PrivateRabbit, PrivateRedis, PrivateServer, ServerDidNotStart
from local.state import State

STEPS = ("standard", "compose", "private", "install")
PRIVATE: Mapping[str, type[PrivateServer]] = {
    "postgres": PrivatePostgres,
    "redis": PrivateRedis,
    "rabbitmq": PrivateRabbit,
}


@dataclass(frozen=True, slots=True)
class Found:
    """Where one server is and how we came by it: environment, standard, compose or private."""

    url: str
    source: str


@dataclass(frozen=True, slots=True)
class Servers:
    """The three servers of one run."""

    postgres: Found
    redis: Found
    rabbitmq: Found

    def items(self) -> Sequence[tuple[str, Found]]:
        """Each with its name."""
        return [("postgres", self.postgres), ("redis", self.redis), ("rabbitmq", self.rabbitmq)]


@dataclass(slots=True)
class Finder:
    """Finds each server by itself: environment, standard port, container engine, private start, installation.

    An address in the environment is the only one tried. A server that we once started keeps its place before the
    standard port, so that data does not seem lost when another server appears there later.
    `ROSTRUM_SERVERS` names the steps that may be taken, such as `private` or `standard,compose`.
    """

    state: State
    environ: Mapping[str, str]
    say: Callable[[str], None] = print
    kinds: Sequence[Kind] = KINDS
    compose_answers: Callable[[], bool] = Compose.answers
    can_install: Callable[[], bool] = debian.can_install
    install: Callable[[Sequence[str], Path], None] = debian.install
    private: Mapping[str, type[PrivateServer]] = field(default_factory=lambda: PRIVATE)

    async def find(self) -> Servers:
        """All three, started where needed.

        Raises:
            Unusable: one cannot be had; the message says what to do.
        """
        found: dict[str, Found] = {}
        await self._take(found, self._given)
        if "standard" in self._steps():
            await self._take(found, self._standard)
        if "compose" in self._steps():
            await self._from_compose(found)
        if "private" in self._steps():
            await self._start_privately(found)
        if "install" in self._steps() and (missing := self._missing(found)) and self.can_install():
            await self._install(missing)
            await self._start_privately(found)
        if missing := self._missing(found):
            raise Unusable(self._advice(missing))
        self._notice_moves(found)
        self.state.remember(servers={name: one.source for name, one in found.items() if one.source != "environment"})
        return Servers(**found)

    def _steps(self) -> tuple[str, ...]:
        asked = self.environ.get("ROSTRUM_SERVERS", "").replace(" ", "")
        steps = tuple(asked.split(",")) if asked else STEPS
        if unknown := set(steps) - set(STEPS):
            raise Unusable(f"ROSTRUM_SERVERS may name {', '.join(STEPS)}; not {', '.join(sorted(unknown))}")
        return steps

    def _missing(self, found: Mapping[str, Found]) -> list[Kind]:
        return [kind for kind in self.kinds if kind.name not in found]

    async def _take(self, found: dict[str, Found], step: Callable[[Kind], Awaitable[Found | None]]) -> None:
        missing = self._missing(found)
        answers = await asyncio.gather(*map(step, missing), return_exceptions=True)
        for kind, answer in zip(missing, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            if answer is not None:
                found[kind.name] = answer

    async def _given(self, kind: Kind) -> Found | None:
        url = self.environ.get(kind.variable)
        if not url:
            return None
        try:
            await kind.usable(url, patience=WITH_ONE_WE_COUNT_ON)
        except Unusable as trouble:
            raise Unusable(f"{kind.variable} names {shown(url)}, which cannot be used: {trouble}") from None
        return Found(url, "environment")

    async def _standard(self, kind: Kind) -> Found | None:
        if self._remembered(kind) in {"compose", "private"}:
            return None
        for url in kind.standard():
            try:
                await kind.usable(url)
            except Unusable:
                continue
            return Found(url, "standard")
        return None

    async def _from_compose(self, found: dict[str, Found]) -> None:
        missing = [kind for kind in self._missing(found) if self._remembered(kind) != "private"]
        if not missing or not await asyncio.to_thread(self.compose_answers):
            return
        names = [kind.name for kind in missing]
        self.say(f"Starting {', '.join(names)} as containers")
        for name, url in (await asyncio.to_thread(Compose(self.state).start, names)).items():
            found[name] = Found(url, "compose")

    async def _start_privately(self, found: dict[str, Found]) -> None:
        missing = [kind for kind in self._missing(found) if self.private[kind.name].installed()]

        async def start(kind: Kind) -> Found:
            server = self.private[kind.name](self.state.servers, logs=self.state.logs)
            if not server.running:
                self.say(f"Starting a private {kind.name}")
            try:
                await asyncio.to_thread(server.start)
            except ServerDidNotStart as trouble:
                raise Unusable(str(trouble)) from None
            await kind.usable(server.url, patience=WITH_ONE_WE_COUNT_ON)
            return Found(server.url, "private")

        answers: list[Any] = await asyncio.gather(*map(start, missing), return_exceptions=True)
        for kind, answer in zip(missing, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            found[kind.name] = answer

    async def _install(self, missing: Sequence[Kind]) -> None:
        packages = [kind.package for kind in missing]
        log = self.state.logs / "install.log"
        self.say(f"Installing Debian's {', '.join(packages)}; {log} tells more")
        await asyncio.to_thread(self.install, packages, log)

    def _remembered(self, kind: Kind) -> str:
        return str(self.state.recall("servers", {}).get(kind.name, ""))

    def _notice_moves(self, found: Mapping[str, Found]) -> None:
        for kind in self.kinds:
            before, now = self._remembered(kind), found[kind.name]
            if before and before != now.source:
                self.say(f"{kind.name}: {before} until now, {now.source} from now on; data stays where it was")

    def _advice(self, missing: Sequence[Kind]) -> str:
        lines = [f"No usable {', '.join(kind.name for kind in missing)} was found, and none can be started here."]
        lines += [f"Run: sudo {debian.command_for([kind.package for kind in missing])}"]
        lines += ["or start a container engine (docker with its compose plugin),"]
        lines += [f"or name addresses: {', '.join(kind.variable for kind in missing)}."]
        return "\n".join(lines)


async def keep_private(state: State, servers: Servers, say: Callable[[str], None], every: float = 2.0) -> None:
    """Start a private server again when it has died; for ever."""
    ours = [
        PRIVATE[name](state.servers, logs=state.logs) for name, found in servers.items() if found.source == "private"
    ]
    while True:
        await asyncio.sleep(every)
        for server in ours:
            if server.running:
                continue
            say(f"{server.name} has ended; starting it again")
            try:
                await asyncio.to_thread(server.start)
            except ServerDidNotStart as trouble:
                say(str(trouble))


def stop_ours(state: State) -> list[str]:
    """Stop the servers and containers that this checkout started; the names of those that ran."""
    stopped = []
    for name, kind in PRIVATE.items():
        server = kind(state.servers, logs=state.logs)
        if server.running:
            server.stop()
            stopped.append(name)
    if "compose" in state.recall("servers", {}).values() and Compose.answers():
        Compose(state).stop()
        stopped.append("containers")
    return stopped


def remove_ours(state: State) -> None:
    """Remove the servers and containers that this checkout started, with their data."""
    for kind in PRIVATE.values():
        kind(state.servers, logs=state.logs).remove()
    if "compose" in state.recall("servers", {}).values() and Compose.answers():
        Compose(state).remove()
