from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from kit.http.models import Out
from kit.messaging.topology import Topology
from publisher.partner_queues.model import PartnerQueue, QueueState


class PartnerQueueOut(Out):
    """The queue on which an organization's integration receives its events."""

    organization_id: UUID
    queue: str = Field(description="Its name on the broker.")
    state: QueueState = Field(description="Events reach it while it is `open`.")
    capacity: int = Field(description="Messages it holds; beyond that the oldest make room for new ones.")
    capacity_bytes: int = Field(description="Bytes it holds; likewise.")
    changed_at: datetime
    version: int = Field(description="Rises with every change of state; also the ETag.")

    @classmethod
    def of(cls, queue: PartnerQueue, topology: Topology) -> Self:
        """The queue as shown, with its name and limits on this platform's broker."""
        return cls(
            organization_id=queue.organization_id,
            queue=topology.partner(queue.organization_id),
            state=queue.state,
            capacity=topology.partner_messages,
            capacity_bytes=topology.partner_bytes,
            changed_at=queue.changed_at,
            version=queue.version,
        )
