"""What the ledger counts; the service's name is put before these when they are read."""

from typing import Final

from kit.telemetry import metrics

CALLS: Final = metrics.counter(
    "ledger_calls_total", "Calls to the outside world, by what they came to", ("kind", "outcome")
)
CALL_SECONDS: Final = metrics.histogram("ledger_call_seconds", "Duration of a call to the outside world", ("kind",))
SETTLED: Final = metrics.counter(
    "ledger_settled_total",
    "Effects that reached an end, by status and by what settled them",
    ("kind", "status", "by"),
)
LATE: Final = metrics.counter(
    "ledger_lost_fence_total", "Outcomes that came after the effect had moved on", ("kind",)
)
UNRECORDED: Final = metrics.counter(
    "ledger_unrecorded_total", "Outcomes that could not be recorded; the effects become unknown", ("kind",)
)
SLOTS_MISSED: Final = metrics.counter("ledger_slots_missed_total", "Slots that passed because the worker was late")
GIVEN_BACK: Final = metrics.counter("ledger_given_back_total", "Claims given back unsent", ("kind",))
OLDEST: Final = "ledger_oldest_due_seconds"
DUE: Final = "ledger_due"
UNKNOWN: Final = "ledger_unknown"
UNCONFIRMED: Final = "ledger_unconfirmed"
