from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from inbox.broadcasts.links.errors import LinkUnknown
from inbox.broadcasts.links.model import by_a_person
from inbox.broadcasts.links.service import LinkService
from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.problem import problems

router = APIRouter(prefix="/v1/links", tags=["broadcasts"], dependencies=[OpenToAnybody])

Following = Annotated[LinkService, Depends(part(LinkService))]


@router.get("/{token}", status_code=status.HTTP_302_FOUND, response_class=Response, responses=problems(LinkUnknown))
async def follow_link(token: str, request: Request, links: Following) -> Response:
    """Go where a link of a broadcast leads; that a person did is counted."""
    return _to(await links.follow(token, counted=by_a_person(request.headers)))


@router.head("/{token}", status_code=status.HTTP_302_FOUND, response_class=Response, responses=problems(LinkUnknown))
async def look_at_link(token: str, links: Following) -> Response:
    """Where a link of a broadcast leads; that is no click."""
    return _to(await links.follow(token, counted=False))


def _to(target: str) -> Response:
    headers = {
        "location": target,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
    }
    return Response(status_code=status.HTTP_302_FOUND, headers=headers)
