from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response, status

from auth.keys.errors import KeyNotFound
from auth.keys.service import KeyRing, KeyRotation
from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.operator import OperatorOnly
from kit.http.problem import problems

router = APIRouter(tags=["keys"], dependencies=[OpenToAnybody])
internal = APIRouter(prefix="/internal/keys", include_in_schema=False, dependencies=[OperatorOnly])

Keys = Annotated[KeyRing, Depends(part(KeyRing))]


@router.get("/.well-known/jwks.json")
async def read_keys(keys: Keys, response: Response) -> dict[str, Any]:
    """The keys that access tokens are verified with; keep them for five minutes, no longer."""
    response.headers["cache-control"] = "public, max-age=300"
    return await keys.jwks()


@internal.delete("/{kid}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(KeyNotFound))
async def remove_key(kid: str, rotation: Annotated[KeyRotation, Depends(part(KeyRotation))]) -> None:
    """Take a signing key away in an emergency; see docs/runbooks/a-signing-key-leaked.md."""
    if not await rotation.remove(kid):
        raise KeyNotFound
