"""A worker process with a handler that some messages kill: `poisoned.py DATABASE_URL BROKER_URL NAMESPACE`."""

import asyncio
import os
import sys
from typing import Any

from contracts.auth import MemberAdded, OrganizationCreated
from kit.db.database import Database, Transaction
from kit.messaging.broker import Broker
from kit.messaging.consumer import Consumer
from kit.messaging.subscription import Subscription
from kit.messaging.topology import Topology
from kit.process import run

COUNT = """
    INSERT INTO notes (id, organization_id, text) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET version = notes.version + 1
"""


async def on_member_added(event: MemberAdded, tx: Transaction) -> None:
    if event.role == "poison":
        os._exit(9)
    await tx.execute(COUNT, event.member_id, tx.organization_id, event.role)


async def on_organization_created(event: OrganizationCreated, tx: Transaction) -> None:
    await asyncio.sleep(0.2)
    await tx.execute(COUNT, event.organization_id, tx.organization_id, "organization")


async def main(stop: asyncio.Event) -> None:
    database_url, broker_url, namespace = sys.argv[1:]
    database = await Database.open(database_url, name="poisoned", pool_size=4)
    subscriptions: list[Subscription[Any]] = [
        Subscription(MemberAdded, one=on_member_added),
        Subscription(OrganizationCreated, one=on_organization_created),
    ]
    topology = Topology(namespace, retry_delays=(0.05, 0.1))
    consumer = Consumer(database, Broker(broker_url, name="poisoned"), topology, "sample", subscriptions)
    await consumer.run(stop)


if __name__ == "__main__":
    run(main)
