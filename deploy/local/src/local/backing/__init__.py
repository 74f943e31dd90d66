"""Finding PostgreSQL, Redis and RabbitMQ, or starting them."""

from local.backing.finding import Finder, Found, Servers, keep_private, remove_ours, stop_ours
from local.backing.probes import Unusable

__all__ = ["Finder", "Found", "Servers", "Unusable", "keep_private", "remove_ours", "stop_ours"]
