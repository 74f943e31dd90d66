"""What happens: people are imported, a broadcast begins, everything is shot at until nobody waits any more."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.broadcast_chaos.receiver import ACCOUNT, NUMBER
from benchmarks.broadcast_chaos.setting import Setting
from contracts.billing import EntitlementsChanged

ALLOWED: Final = 1_000_000
FIRST: Final = 4_917_000_000_000
_PIECE: Final = 1 << 20
_HOUR_AGAIN: Final = 60.0
"""Seconds after which the clock jumps over another hour, while somebody is still looked for."""
_COLUMNS: Final = [{"column": 0, "to": "name"}, {"column": 1, "to": "phone"}]
_OPEN: Final = "SELECT count(*) FROM broadcast_recipients WHERE state = 'waiting'"
_UNREDUCED: Final = """
    SELECT (SELECT count(*) FROM intake_deliveries WHERE state = 'received')
         + (SELECT count(*) FROM intake_items WHERE verdict IS NULL)
"""

Tell = Callable[[str, int], None]
"""Hears what is going on, and how many recipients are no longer waiting."""


async def begin_import(setting: Setting, content: bytes, **how: Any) -> str:
    """Bring a file with names and telephone numbers through the door, and begin; where it can be looked at."""
    begun = await setting.ask("POST", "/v1/contact-imports", json={"size": len(content)})
    path = f"/v1/contact-imports/{begun['id']}"
    for at in range(0, len(content), _PIECE):
        headers = {"upload-offset": str(at), "content-type": "application/offset+octet-stream"}
        await setting.ask("PATCH", f"{path}/file", content=content[at : at + _PIECE], headers=headers)
    await setting.ask("POST", f"{path}/start", json={"columns": _COLUMNS, "region": "DE", **how})
    return path


@dataclass(frozen=True, slots=True)
class Terms:
    """How much of it: seconds between kills and how many at most, how long the broker is away.

    `within` is how long a step may take.
    """

    recipients: int
    workers: int
    rate: int
    kill_every: float
    broker_away: float
    within: float
    most_kills: int = 1_000_000


@dataclass(slots=True)
class Shots:
    """What was done to it."""

    kills: int = 0
    flushes: int = 0
    restarts: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Story:
    """One broadcast from the import of its people to its end."""

    setting: Setting
    terms: Terms
    tell: Tell = lambda _what, _done: None
    shots: Shots = field(default_factory=Shots)
    _calm: asyncio.Event = field(default_factory=asyncio.Event)
    _left: int = 0
    """How many have left by now."""

    async def run(self) -> str:
        """All of it; the id of the broadcast that has ended.

        Raises:
            Unfinished, CrewGone: it does not end.
        """
        self.tell("people are imported", 0)
        await self._allowed()
        channel_id, template_id = await self._connected()
        await self._imported()
        self.tell("recipients are written down", 0)
        broadcast_id = await self._prepared(channel_id, template_id)
        await self.setting.ask("POST", f"/v1/broadcasts/{broadcast_id}/start")
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._shoot(group))
            await self._sent_out(broadcast_id)
        self.shots.seconds = time.monotonic() - began
        await self._settled(broadcast_id)
        return broadcast_id

    async def _connected(self) -> tuple[str, str]:
        """A number that may send, and the template that its account has."""
        setting = self.setting
        body = {
            "kind": "whatsapp",
            "phone_number_id": NUMBER,
            "waba_id": ACCOUNT,
            "access_token": "chaos-token",
            "rate": self.terms.rate,
        }
        channel = await setting.ask("POST", "/v1/channels", json=body)
        found: list[dict[str, Any]] = []

        async def read() -> bool:
            page = await setting.ask("GET", "/v1/message-templates")
            found[:] = [each for each in page["items"] if each["status"] == "approved"]
            return bool(found)

        await self._until(read, lambda: "the account's templates were not read")
        return channel["id"], found[0]["id"]

    async def _allowed(self) -> None:
        """Billing says over the broker what the plan includes."""
        setting = self.setting
        await setting.tell(
            EntitlementsChanged(
                organization_id=setting.organization_id,
                time=datetime.now(UTC),
                version=1,
                plan="scale",
                limits={"messages_per_month": ALLOWED},
            )
        )

        async def heard() -> bool:
            (one,) = (await setting.ask("GET", "/v1/channels/allowances"))["items"]
            return bool(one["allowed"] == ALLOWED)

        await self._until(heard, lambda: "what the plan includes was not heard")

    async def _imported(self) -> None:
        """By the door for files."""
        setting, count = self.setting, self.terms.recipients
        lines = ["name,phone", *(f"Person {each},+{FIRST + each}" for each in range(count))]
        path = await begin_import(setting, "\n".join(lines).encode())
        told: dict[str, Any] = {}

        async def finished() -> bool:
            told.update(await setting.ask("GET", path))
            return bool(told["state"] == "finished")

        await self._until(finished, lambda: f"the import has come to {told}")
        if (told["rows"], told["made"], told["faulty"]) != (count, count, 0):
            raise RuntimeError(f"not everybody was imported: {told}")

    async def _prepared(self, channel_id: str, template_id: str) -> str:
        message = {"template_id": template_id, "variables": {"1": "{{contact.first_name|there}}"}}
        body = {"name": "Chaos", "channel_id": channel_id, "audience": {"everyone": True}, "messages": [message]}
        made = await self.setting.ask("POST", "/v1/broadcasts", json=body)
        path = f"/v1/broadcasts/{made['id']}"

        async def prepared() -> bool:
            return bool((await self.setting.ask("GET", path))["prepared"])

        await self._until(prepared, lambda: "the recipients were not written down")
        return str(made["id"])

    async def _shoot(self, group: asyncio.TaskGroup) -> None:
        """Kill the oldest worker and flush Redis each time, kill the broker each fourth time, the second one first.

        Each waits until something has left since the one before: where the machine is busy with other things, workers
        who die while they start would show nothing.
        """
        before = 0
        while not await self._passed(self.terms.kill_every) and self.shots.kills < self.terms.most_kills:
            if self._left == before:
                continue
            before = self._left
            await self.setting.workers.kill()
            self.shots.kills += 1
            await self.setting.flush()
            self.shots.flushes += 1
            if self.shots.kills % 4 == 2:
                self.shots.restarts += 1
                group.create_task(self.setting.restart_broker(self.terms.broker_away))

    async def _passed(self, seconds: float) -> bool:
        """Wait so long, or until it is to be calm; whether it is."""
        try:
            async with asyncio.timeout(seconds):
                await self._calm.wait()
        except TimeoutError:
            return False
        return True

    async def _sent_out(self, broadcast_id: str) -> None:
        """Nobody waits any more; what dead workers held comes to light when the clock jumps past their leases."""

        async def fed() -> bool:
            self._left = self.terms.recipients - await self.setting.count(_OPEN)
            self.tell("messages leave", self._left)
            return self._left == self.terms.recipients

        await self._until(fed, lambda: f"{self.terms.recipients - self._left} recipients wait")
        self._calm.set()
        await self.setting.forward(60)
        counts: dict[str, Any] = {}

        async def left() -> bool:
            counts.update((await self.setting.ask("GET", f"/v1/broadcasts/{broadcast_id}"))["counts"])
            return bool(counts["waiting"] == 0)

        await self._until(left, lambda: f"some are still with the ledger: {counts}")

    async def _settled(self, broadcast_id: str) -> None:
        """All statuses are told and applied; then the hour passes after which nobody will know.

        It passes again for those who were looked for while it passed: they are looked for once more a quarter later.
        """
        self.tell("statuses come in", self.terms.recipients)
        untold = unreduced = -1

        async def told() -> bool:
            nonlocal untold, unreduced
            untold = (await self.setting.record())["waiting"]
            unreduced = -1 if untold else await self.setting.count(_UNREDUCED)
            return bool(untold == unreduced == 0)

        await self._until(told, lambda: f"{untold} statuses are untold, {unreduced} are not applied", every=1.0)
        shown: dict[str, Any] = {}
        passed_at = float("-inf")

        async def completed() -> bool:
            nonlocal passed_at
            if time.monotonic() - passed_at >= _HOUR_AGAIN:
                await self.setting.forward(3700)
                passed_at = time.monotonic()
            shown.update(await self.setting.ask("GET", f"/v1/broadcasts/{broadcast_id}"))
            return bool(shown["state"] == "completed")

        await self._until(completed, lambda: f"the broadcast is {shown.get('state')}: {shown.get('counts')}")

    async def _until(self, holds: Any, missing: Callable[[], str], every: float = 0.3) -> None:
        await self.setting.workers.until(holds, missing, within=self.terms.within, every=every)
