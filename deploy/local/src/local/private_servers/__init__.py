"""PostgreSQL, Redis and RabbitMQ of our own: on loopback, in one folder, gone without a trace when removed."""

from local.private_servers.postgres import PrivatePostgres
from local.private_servers.rabbitmq import PrivateRabbit
from local.private_servers.redis import PrivateRedis
from local.private_servers.server import PrivateServer, ServerDidNotStart

__all__ = ["PrivatePostgres", "PrivateRabbit", "PrivateRedis", "PrivateServer", "ServerDidNotStart"]
