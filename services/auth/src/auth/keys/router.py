from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from auth.keys.service import KeyRing
from kit.http.app import part
from kit.http.caller import OpenToAnybody

router = APIRouter(tags=["keys"], dependencies=[OpenToAnybody])

Keys = Annotated[KeyRing, Depends(part(KeyRing))]


@router.get("/.well-known/jwks.json")
async def read_keys(keys: Keys, response: Response) -> dict[str, Any]:
    """The keys that access tokens are verified with; keep them for five minutes, no longer."""
    response.headers["cache-control"] = "public, max-age=300"
    return await keys.jwks()
