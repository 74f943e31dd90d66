import asyncio
from dataclasses import dataclass
from uuid import UUID

from kit.messaging import liveness
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology


@dataclass(frozen=True, slots=True)
class RabbitQueues:
    """Partner queues on RabbitMQ: quorum, capped, the oldest message makes room for a new one."""

    broker: Broker
    topology: Topology

    async def open(self, organization_id: UUID) -> None:
        """Make the organization's queue unless it is there; one that a power cut left dead is replaced.

        When this returns, it survives a power cut, and events may be forwarded to it.

        Raises:
            BrokerLost: the broker does not answer.
            TopologyConflict: a queue of that name is there in another form.
        """
        queue = await self._declare(organization_id)
        if not await liveness.is_alive(self.broker, queue):
            await liveness.drop(self.broker, queue)
            await self._declare(organization_id)
        await asyncio.sleep(liveness.NAMES_KEPT)

    async def close(self, organization_id: UUID) -> None:
        """Delete the organization's queue if it is there.

        Raises:
            BrokerLost: the broker does not answer.
        """
        connection = await self.broker.connect("partner queues")
        try:
            await self.topology.close_partner_queue(connection, organization_id)
        finally:
            await connection.close()

    async def _declare(self, organization_id: UUID) -> str:
        connection = await self.broker.connect("partner queues")
        try:
            return await self.topology.open_partner_queue(connection, organization_id)
        finally:
            await connection.close()
