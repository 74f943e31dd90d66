from fastapi import APIRouter, Response

from auth.scopes.catalogue import SCOPES
from auth.scopes.schemas import ScopeOut, ScopesOut
from kit.http.caller import OpenToAnybody

router = APIRouter(prefix="/v1/scopes", tags=["scopes"], dependencies=[OpenToAnybody])


@router.get("")
async def list_scopes(response: Response) -> ScopesOut:
    """What API keys and partners' programs can be given."""
    response.headers["cache-control"] = "public, max-age=300"
    return ScopesOut(items=[ScopeOut(scope=scope, allows=allows) for scope, allows in SCOPES.items()])
