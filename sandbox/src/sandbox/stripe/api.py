"""The door: who calls, what is called, and how an answer leaves; see https://docs.stripe.com/api."""

import asyncio
import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.pulse import Pulse
from sandbox.stripe import errors, ids
from sandbox.stripe.expanding import Expansion
from sandbox.stripe.form import read_form
from sandbox.stripe.idempotency import LONGEST, Attempt, Keys, fingerprint
from sandbox.stripe.operations import EXPAND, Call, Operation
from sandbox.stripe.params import read_fields
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import Cause, World

ROOT: Final = "/stripe"
_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(\.[a-z_]+)?")


class Visit:
    """One request: its id, its caller's key, what was sent."""

    def __init__(self, request: Request, world: World) -> None:
        self.request, self.world = request, world
        self.id = ids.short_id("req")
        self.method = request.method
        self.path = request.url.path.removeprefix(ROOT)
        self.key = ""
        self.idempotency_key = request.headers.get("idempotency-key") if request.method == "POST" else None

    @property
    def log_url(self) -> str:
        """Where the dashboard would show the request."""
        return f"https://dashboard.stripe.com/{ids.ACCOUNT}/test/logs/{self.id}?t={self.world.now()}"

    def finish(self, response: Response) -> Response:
        """Give an answer the headers that all have."""
        headers = response.headers
        headers["Request-Id"] = self.id
        headers["Stripe-Version"] = self.request.headers.get("stripe-version") or self.world.account.api_version
        headers["Cache-Control"] = "no-cache, no-store"
        if self.idempotency_key:
            headers["Idempotency-Key"] = self.idempotency_key.encode("latin-1", "replace").decode("latin-1")
            headers.setdefault("Original-Request", self.id)
        return response


class Api:
    """Serves all operations."""

    def __init__(self, world: World, operations: Sequence[Operation], *, tick: Callable[[], None]) -> None:
        self._world = world
        self._tick = tick
        self._expansion = Expansion(world.store, world.kinds)
        self._keys = Keys()
        self._reads, self._writes = Pulse(), Pulse()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._by_shape: dict[tuple[str, int], list[tuple[list[str], Operation]]] = defaultdict(list)
        for one in operations:
            steps = one.path.split("/")
            self._by_shape[one.method, len(steps)].append((steps, one))
        for kept in self._by_shape.values():
            kept.sort(key=lambda pair: pair[0].count("{}"))

    def begin(self) -> None:
        """As at the start."""
        self._keys.clear()
        self._reads.clear()
        self._writes.clear()

    async def serve(self, request: Request) -> Response:
        """Answer one request."""
        visit = Visit(request, self._world)
        if not self._world.addressed:
            self._world.address = str(request.base_url).rstrip("/")
        try:
            self._enter(visit)
            self._tick()
            operation, found = self._operation(visit)
            response = await self._keyed(visit, operation, found, _tree(visit, await request.body()))
        except errors.Refusal as refusal:
            response = refusal.answer(visit.log_url)
        self._tick()
        return visit.finish(response)

    def _enter(self, visit: Visit) -> None:
        """Let in who has a key, in a version that exists, and not too often."""
        visit.key = _key_of(visit.request.headers.get("authorization", ""))
        account = self._world.account
        if visit.key.startswith("pk_"):
            raise errors.publishable_key()
        if visit.key in account.expired_keys:
            raise errors.expired_key(visit.key)
        if visit.key not in account.keys:
            raise errors.wrong_key(visit.key)
        version = visit.request.headers.get("stripe-version", "")
        if version and not _VERSION.fullmatch(version):
            raise errors.invalid(f"Invalid Stripe API version: {version}")
        pulse = self._reads if visit.method == "GET" else self._writes
        now = asyncio.get_running_loop().time()
        if account.per_second is not None and pulse.within(1.0, now) >= account.per_second:
            raise errors.rate_limited()
        pulse.beat(now)

    def _operation(self, visit: Visit) -> tuple[Operation, tuple[str, ...]]:
        steps = visit.path.split("/")
        for pattern, operation in self._by_shape.get((visit.method, len(steps)), ()):
            if all(part in {"{}", step} for part, step in zip(pattern, steps, strict=True)):
                found = tuple(step for part, step in zip(pattern, steps, strict=True) if part == "{}")
                if all(found):
                    return operation, found
        raise errors.unrecognized(visit.method, visit.path)

    async def _keyed(
        self, visit: Visit, operation: Operation, found: tuple[str, ...], tree: dict[str, Any]
    ) -> Response:
        """Do it, or say again what was said when the key came first."""
        if not visit.idempotency_key:
            return await self._done(visit, operation, found, tree, None)
        if len(visit.idempotency_key) > LONGEST:
            raise errors.invalid(f"Idempotency keys can be at most {LONGEST} characters long.")
        name = (visit.key, visit.idempotency_key)
        attempt = self._keys.begin(
            name,
            fingerprint(visit.method, visit.path, tree),
            visit.id,
            now=self._world.now(),
            lives=self._world.account.idempotency_seconds,
        )
        if attempt.status:
            return attempt.replay()
        try:
            return await self._done(visit, operation, found, tree, attempt)
        finally:
            if not attempt.status:
                self._keys.forget(name)

    async def _done(
        self,
        visit: Visit,
        operation: Operation,
        found: tuple[str, ...],
        tree: dict[str, Any],
        attempt: Attempt | None,
    ) -> Response:
        given = read_fields({**operation.params, "expand": EXPAND}, tree)
        expand = given.pop("expand", None) or []
        call = Call(self._world, found, given, visit.path)
        try:
            response = await self._alone(visit, operation, call, expand)
        except errors.Refusal as refusal:
            if attempt is None or not refusal.remembered:
                raise
            response = refusal.answer(visit.log_url)
        if attempt is not None:
            attempt.body, attempt.status = bytes(response.body), response.status_code
        return response

    async def _alone(self, visit: Visit, operation: Operation, call: Call, expand: list[str]) -> Response:
        """Write to an object only when nobody else does."""
        if visit.method == "GET":
            return self._run(visit, operation, call, expand)
        lock = self._locks.setdefault(call.ids[0] if call.ids else visit.id, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), self._world.account.lock_seconds)
        except TimeoutError:
            raise errors.locked() from None
        try:
            await asyncio.sleep(self._world.account.seconds_per_write)
            return self._run(visit, operation, call, expand)
        finally:
            lock.release()

    def _run(self, visit: Visit, operation: Operation, call: Call, expand: list[str]) -> Response:
        """Have the effect, all in one step, and make the answer of it."""
        spoiled = self._world.spoil(visit.method, visit.path)
        if spoiled is not None and spoiled.effect == "before":
            raise errors.broken()
        self._world.store.newest.clear()
        self._world.cause = Cause(visit.id, visit.idempotency_key)
        try:
            result = operation.run(call)
        finally:
            self._world.cause = Cause()
        document = self._expansion.expand(_shown(result), expand)
        self._hide(visit, result)
        if spoiled is not None:
            raise errors.broken()
        body = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        return Response(body, media_type="application/json")

    def _hide(self, visit: Visit, result: Record | Doc) -> None:
        """What a fault rule makes visible later is not found before, by its id or in lists."""
        seconds = float(visit.request.scope.get(VISIBLE_AFTER, 0.0))
        if seconds and isinstance(result, Record) and result in self._world.store.newest:
            self._world.store.hide(result, seconds)


def _shown(result: Record | Doc) -> Doc:
    return result.shown() if isinstance(result, Record) else result


def _key_of(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            name = base64.b64decode(value, validate=True).decode("utf-8").partition(":")[0]
        except (binascii.Error, UnicodeError):
            raise errors.no_key() from None
        if name:
            return name
    raise errors.no_key()


def _tree(visit: Visit, body: bytes) -> dict[str, Any]:
    """The parameters: of the query, and of a POST the form, which must be one."""
    query = visit.request.url.query
    if visit.method != "POST":
        return read_form(query)
    kind = visit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise errors.not_a_form()
    try:
        form = body.decode()
    except UnicodeDecodeError:
        raise errors.invalid("Invalid UTF-8 in the request.") from None
    return read_form("&".join(part for part in (query, form) if part))
