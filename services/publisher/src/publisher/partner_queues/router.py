from typing import Annotated

from fastapi import APIRouter, Depends, Response, status

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Versioned
from kit.http.problem import problems
from kit.messaging.topology import Topology
from publisher.doors import QueueManager
from publisher.partner_queues.schemas import PartnerQueueOut
from publisher.partner_queues.service import PartnerQueueService

router = APIRouter(
    prefix="/v1/partner-queue",
    tags=["partner queue"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Queues = Annotated[PartnerQueueService, Depends(part(PartnerQueueService))]
Names = Annotated[Topology, Depends(part(Topology))]


@router.get("", response_model=PartnerQueueOut)
async def read_partner_queue(
    caller: QueueManager, queues: Queues, names: Names, versions: Versioned
) -> PartnerQueueOut | Response:
    """The organization's partner queue; `closed` when none was ever asked for."""
    queue = await queues.read(caller)
    return versions.unchanged(queue.version, queue.organization_id) or PartnerQueueOut.of(queue, names)


@router.put("", status_code=status.HTTP_202_ACCEPTED)
async def open_partner_queue(
    caller: QueueManager, queues: Queues, names: Names, versions: Versioned
) -> PartnerQueueOut:
    """Ask for the partner queue; it is `open` moments later. Asking again changes nothing."""
    queue = await queues.open(caller)
    versions.tag(queue.version, queue.organization_id)
    return PartnerQueueOut.of(queue, names)


@router.delete("", status_code=status.HTTP_202_ACCEPTED)
async def close_partner_queue(
    caller: QueueManager, queues: Queues, names: Names, versions: Versioned
) -> PartnerQueueOut:
    """Give the partner queue up with whatever is still in it; it is `closed` moments later."""
    queue = await queues.close(caller)
    versions.tag(queue.version, queue.organization_id)
    return PartnerQueueOut.of(queue, names)
