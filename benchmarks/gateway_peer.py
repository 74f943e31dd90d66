"""The gateway as one would write it with FastAPI, httpx and redis-py: a peer to be measured beside, fairly.

It verifies the same tokens and remembers them, runs the same script in Redis, and passes the answer on whole; it
keeps its connections, and runs on uvicorn with uvloop and httptools. It has no metrics, no traces, no access log.
"""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Annotated

import httpx
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from redis.asyncio import Redis

from kit.http.tokens import Claims, TokenRefused, check, key_id, public_keys

DROPPED = frozenset({"connection", "transfer-encoding", "content-length", "server", "date", "keep-alive"})
BURST, INTERVAL = 600_000, 100


def gateway(upstream: str, redis_url: str, issuer: str, audience: str) -> FastAPI:
    redis = Redis.from_url(redis_url)
    step = redis.register_script(files("gateway").joinpath("gcra.lua").read_text(encoding="utf-8"))
    bounds = httpx.Limits(max_connections=512, max_keepalive_connections=512)
    client = httpx.AsyncClient(base_url=upstream, limits=bounds)
    remembered: dict[str, Claims] = {}

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        app.state.keys = public_keys((await client.get("/.well-known/jwks.json")).content)
        yield
        await client.aclose()
        await redis.aclose()

    app = FastAPI(lifespan=life)

    async def caller(request: Request) -> Claims:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        known = remembered.get(token)
        if known is not None and known.expires_at > time.time():
            return known
        try:
            key = request.app.state.keys[key_id(token)]
            claims = check(token, key, now=datetime.now(UTC), issuer=issuer, audience=audience)
        except (TokenRefused, KeyError) as wrong:
            raise HTTPException(401) from wrong
        remembered[token] = claims
        return claims

    async def limited(request: Request, who: Annotated[Claims, Depends(caller)]) -> Claims:
        address = request.client.host if request.client else ""
        counted = ("address", address), ("user", who.user_id), ("org", who.organization_id), ("key", who.session_id)
        keys = [f"peer:{per}:{whose}" for per, whose in counted]
        keys += [f"peer:epoch:{who.user_id}", f"peer:revoked:{who.session_id}"]
        refusing, *_ = await step(keys=keys, args=[len(counted), *(INTERVAL, INTERVAL * BURST) * len(counted)])
        if refusing:
            raise HTTPException(429)
        return who

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def anything(request: Request, path: str, _who: Annotated[Claims, Depends(limited)]) -> Response:
        asked = [(name, value) for name, value in request.headers.raw if name not in (b"host", b"connection")]
        body = await request.body() if request.method != "GET" else None
        answer = await client.request(request.method, f"/{path}", headers=asked, content=body)
        kept = {name: value for name, value in answer.headers.items() if name not in DROPPED}
        return Response(answer.content, answer.status_code, kept)

    return app


if __name__ == "__main__":
    uvicorn.run(
        gateway(*sys.argv[2:]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="error",
    )
