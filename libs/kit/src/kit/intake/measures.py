"""What intake measures; the gauges are sampled by a worker (see `watching`)."""

from kit.telemetry import metrics

DELIVERIES = metrics.counter("intake_deliveries_total", "Webhook deliveries by outcome", ("source", "outcome"))
BYTES = metrics.histogram(
    "intake_delivery_bytes",
    "Size of genuine deliveries",
    ("source",),
    (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304),
)
COMMITTED = metrics.histogram(
    "intake_deliveries_per_commit", "Deliveries stored by one commit", (), (1, 2, 5, 10, 20, 50, 100, 200, 500)
)
ITEMS = metrics.counter("intake_items_total", "Items of webhook deliveries by verdict", ("source", "verdict"))
SETTLING = metrics.histogram("intake_verdict_seconds", "From receipt to verdict", ("source",))
