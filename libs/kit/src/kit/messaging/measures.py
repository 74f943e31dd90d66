"""What messaging counts; the service's name is put before these when they are read."""

from typing import Final

from kit.telemetry import metrics

RELAYED: Final = metrics.counter("outbox_relayed_total", "Events the broker has confirmed")
PUT_BACK: Final = metrics.counter("outbox_refused_total", "Events the broker refused, put back to be sent again")
MESSAGES: Final = metrics.counter(
    "messages_total",
    "Messages that left a queue, by outcome: applied, duplicate, stale, retried, dead",
    ("queue", "outcome"),
)
HANDLER_SECONDS: Final = metrics.histogram(
    "message_handler_seconds", "Transaction of one batch, from its first statement to its commit", ("queue",)
)
QUEUE_LAG: Final = metrics.gauge("queue_lag_messages", "Messages ready in a queue and not yet delivered", ("queue",))
CONSUMER_LOSSES: Final = metrics.counter(
    "consumer_losses_total", "Times a consumer lost its channel or stalled and was started again", ("queue",)
)
FORWARDED: Final = metrics.counter("partner_messages_total", "Events put into partner queues")
