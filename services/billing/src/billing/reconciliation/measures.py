"""What reconciliation counts; the service's name is put before these when they are read."""

from typing import Final

from kit.telemetry import metrics

DRIFT: Final = metrics.counter(
    "drift_total", "Objects found to differ from what Stripe holds, by how", ("type", "finding")
)
UNREPAIRED: Final = "drift_unrepaired"
