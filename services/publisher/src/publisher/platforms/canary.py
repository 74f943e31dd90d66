"""A question to each platform, once a day: does it still answer the version of its API that we speak?

It is asked without a token, so it costs nobody's limits and opens nothing: what is refused for the missing token is
still there. A platform that looks at the token first tells only by real calls that a version has ended; those say so,
too (`api-version-sunset`), and wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Final

import structlog

from kit.clock import Clock
from kit.http.client import Call, NotSent, Outbound, Refused, Unanswered
from kit.telemetry import metrics
from postrules.limits import Platform

log = structlog.get_logger(__name__)

ANSWERS: Final = metrics.gauge(
    "publisher_api_version_answers",
    "1 while the platform answers the version of its API that we speak",
    ("platform",),
)
GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UPGRADE_REQUIRED)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: something that is there in our version, and would not be without it."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Canary:
    """Asks each platform that is switched on, once on each day."""

    outbound: Outbound
    clock: Clock
    questions: Mapping[Platform, Question]
    asked_on: date | None = None

    async def sing(self) -> None:
        """Ask, unless it was done today; to be repeated."""
        today = self.clock.now().date()
        if self.asked_on == today:
            return
        self.asked_on = today
        for platform, question in self.questions.items():
            await self._ask(platform, question)

    async def _ask(self, platform: Platform, question: Question) -> None:
        status = 200
        try:
            await self.outbound.send(Call("GET", question.url, question.headers, deadline=10.0, attempts=1))
        except Refused as refused:
            status = refused.status
        except (NotSent, Unanswered):  # that it is away says nothing about the version
            return
        ANSWERS.labels(platform.value).set(0 if status in GONE else 1)
        if status in GONE:
            log.error("api_version.gone", platform=platform.value, status=int(status))
