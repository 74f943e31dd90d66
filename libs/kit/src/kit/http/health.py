"""Health: alive (the event loop answers), ready (may be sent work), healthy (each part by name)."""

import asyncio
import resource
import shutil
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from kit.http.caller import OpenToAnybody
from kit.telemetry import metrics
from kit.telemetry.redaction import redact_text

Check = Callable[[], Awaitable[object]]
"""Looks at one part: raises when it is not well; what it returns is shown as its detail (no secrets)."""

router = APIRouter(include_in_schema=False, dependencies=[OpenToAnybody])


class Unwell(Exception):
    """A check found something wrong; the text says what, for an operator."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    status: str
    latency_ms: float
    detail: object = None


class Health:
    """Runs the checks together, each with a time-out, and remembers what they found for a second.

    `patience` is the time-out, `keep` how long a finding is good. What `told` names is reported and closes no door:
    a part whose absence this process bears, and of which every other instance would say the same.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        told: Collection[str] = (),
        patience: float = 2.0,
        keep: float = 1.0,
    ) -> None:
        self._checks = dict(checks)
        self._told = frozenset(told)
        self._patience, self._keep = patience, keep
        self._found: dict[str, Finding] = {}
        self._found_at = -1e9
        self._looking = asyncio.Lock()
        self.draining = False

    def drain(self) -> None:
        """Ask to be sent no more work."""
        self.draining = True

    async def findings(self) -> dict[str, Finding]:
        """What each check finds, at most a second old."""
        async with self._looking:
            if time.monotonic() - self._found_at >= self._keep:
                found = await asyncio.gather(*(self._look(check) for check in self._checks.values()))
                self._found = dict(zip(self._checks, found, strict=True))
                self._found_at = time.monotonic()
            return self._found

    async def failed(self) -> list[str]:
        """The parts without which no work should be sent here, as far as they are not well."""
        found = await self.findings()
        return [name for name, finding in found.items() if finding.status != "ok" and name not in self._told]

    async def ready(self) -> bool:
        """Whether no such part has failed and the end has not begun."""
        return not self.draining and not await self.failed()

    async def _look(self, check: Check) -> Finding:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience):
                status, detail = "ok", await check()
        except TimeoutError:
            status, detail = "failed", f"no answer within {self._patience:g} s"
        except Unwell as unwell:
            status, detail = "failed", redact_text(str(unwell))
        except Exception as error:  # noqa: BLE001 - the finding is the report
            status, detail = "failed", type(error).__name__
        latency = round((time.perf_counter() - started) * 1000, 3)
        return Finding(status, latency, redact_text(detail) if isinstance(detail, str) else detail)


def below(read: Callable[[], Awaitable[float]], bound: float, unit: str = "s") -> Check:
    """A check that a number, such as the outbox's age, stays below its bound."""

    async def check() -> object:
        value = await read()
        if value > bound:
            raise Unwell(f"{value:.1f} {unit} is above {bound:g} {unit}")
        return {"value": round(value, 3), "bound": bound, "unit": unit}

    return check


async def memory() -> object:
    """How much memory this process holds; never fails, an orchestrator sets the bound."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"resident_mib": _resident_mib(), "peak_mib": round(peak / 1024, 1)}


def _resident_mib() -> float | None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return round(int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20, 1)


def disk(path: str = ".", least_mib: int = 64) -> Check:
    """A check that there is room left where this process writes."""

    async def check() -> object:
        free = shutil.disk_usage(path).free // 2**20
        if free < least_mib:
            raise Unwell(f"{free} MiB left")
        return {"free_mib": free}

    return check


def _answer(status: int, body: Mapping[str, Any]) -> Response:
    return Response(
        orjson.dumps(body, default=str), status, {"cache-control": "no-store"}, media_type="application/json"
    )


@router.get("/livez")
async def livez() -> Response:
    """The event loop answers."""
    return _answer(200, {"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Whether to send work here."""
    health: Health = request.app.state.health
    if health.draining:
        return _answer(503, {"status": "draining"})
    failed = await health.failed()
    return _answer(503 if failed else 200, {"status": "failed" if failed else "ok", "failed": failed})


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """Every part by name."""
    health: Health = request.app.state.health
    found = await health.findings()
    well = all(finding.status == "ok" for finding in found.values())
    body = {
        "status": "ok" if well else "failed",
        "service": request.app.state.service,
        "time": request.app.state.clock.now().isoformat(),
        "draining": health.draining,
        "memory": await memory(),
        "checks": {name: asdict(finding) for name, finding in found.items()},
    }
    return _answer(200 if well else 503, body)


@router.get("/metrics")
async def metrics_text(request: Request) -> Response:
    """What this process measures."""
    return Response(metrics.render(request.app.state.service), media_type=metrics.CONTENT_TYPE)
