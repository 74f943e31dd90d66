"""What is watched about the versions of platform APIs that we speak."""

from dataclasses import dataclass

import structlog

from kit.clock import Clock
from kit.telemetry import metrics
from postrules.versions import SPOKEN, WARNED_AHEAD

log = structlog.get_logger(__name__)

DAYS_LEFT = metrics.gauge(
    "publisher_api_version_days_left", "Days until the platform may refuse the version we speak", ("platform",)
)


@dataclass(frozen=True, slots=True)
class VersionWatch:
    """Warns in time of a version that will be switched off."""

    clock: Clock

    async def look(self) -> None:
        """Look once; to be repeated."""
        today = self.clock.now().date()
        for platform, version in SPOKEN.items():
            left = version.days_left(today)
            DAYS_LEFT.labels(platform.value).set(left)
            if left < WARNED_AHEAD:
                log.warning("api_version.ends_soon", platform=platform.value, version=version.name, days_left=left)
