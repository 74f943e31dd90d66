"""What readings count; the service's name is put before these when they are read."""

from typing import Final

from kit.telemetry import metrics

READINGS: Final = metrics.counter(
    "readings_total",
    "Objects of Stripe's that were read: applied, older, or why they could not be read",
    ("outcome",),
)
