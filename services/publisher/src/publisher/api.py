"""The doors of the publisher."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from publisher.accounts.router import router as accounts
from publisher.connections.router import router as connections
from publisher.partner_queues.router import router as partner_queues
from publisher.posts.router import router as posts

ROUTERS: Final[Sequence[APIRouter]] = (posts, accounts, connections, partner_queues)
