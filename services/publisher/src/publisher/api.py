"""The doors of the publisher."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from publisher.accounts.router import router as accounts
from publisher.allowances.router import router as allowances
from publisher.budgets.router import router as budgets
from publisher.connections.router import router as connections
from publisher.imports.router import router as imports
from publisher.lookahead.router import router as lookahead
from publisher.media.router import public as media_files
from publisher.media.router import router as media
from publisher.media.upload_router import discovery
from publisher.media.upload_router import router as uploads
from publisher.partner_queues.router import router as partner_queues
from publisher.posts.router import router as posts
from publisher.queues.router import router as queues
from publisher.recurrences.router import router as recurrences
from publisher.stops.router import router as stops
from publisher.withdrawals.router import router as withdrawals

ROUTERS: Final[Sequence[APIRouter]] = (
    posts,
    uploads,
    discovery,
    media,
    media_files,
    accounts,
    connections,
    partner_queues,
    withdrawals,
    allowances,
    imports,
    lookahead,
    budgets,
    stops,
    queues,
    recurrences,
)
