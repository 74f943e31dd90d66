"""What is counted of bulk work."""

from kit.telemetry import metrics

ITEMS = metrics.counter("job_items_total", "Items that jobs have worked, by what became of them", ("kind", "outcome"))
ENDED = metrics.counter("jobs_ended_total", "Jobs that ended", ("kind", "state"))
LEFT = "job_items_left"
OLDEST = "jobs_oldest_seconds"
