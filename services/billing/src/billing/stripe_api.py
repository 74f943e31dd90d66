"""The one way to Stripe: its official SDK, one attempt per call, and what a failure proves.

Paths and parameters are those of Stripe's reference (`/v1/customers`), answers its objects as plain data. Every POST
carries an idempotency key made from our row, the same on every attempt: for at least 24 hours Stripe answers a
repetition with what the first one came to, so a lost answer is had by asking again (`asking_again`).

https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/error-handling
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from kit.ledger.kind import Timing
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

if TYPE_CHECKING:
    from stripe import StripeClient, StripeError

Json = Mapping[str, Any]
"""An object of Stripe's, or parameters for it; amounts are integers in the currency's minor unit."""

LANE: Final = "stripe"
"""The lane of an organization on which everything of it goes to Stripe, one after the other."""

WITHIN: Final = 20.0
_AT_ONCE: Final = 20
"""As many connections as httpx keeps open."""
_PATIENCE: Final = 4.0
_SAID: Final = 400
_TURNS: Final = 3
_WAITS: Final = 4
_WAITED: Final = 5.0
"""So long, in seconds, a page of a list is waited for in place, and so often; else the whole is put off."""
_CONFLICT: Final = 409
_BUSY: Final = 429
_SAFE: Final = 23 * 3600.0

TIMING: Final = Timing(
    call_within=WITHIN + 5.0,
    looks_after=(1.0, 5.0, 30.0, 120.0, 300.0),
    absent_after=_SAFE + 1800.0,
    unconfirmed_after=48 * 3600.0,
    give_up_after=72 * 3600.0,
)
"""The patience of kinds that write to Stripe: a look asks again under the same key, so absence is not judged sooner
than keys are forgotten."""


class StripeApi:
    """Stripe behind one secret key; one per process, to be closed at the end.

    Without a key nothing is sold: `on` is false and every call is `Parked`. `within` bounds one call, in seconds.
    Every method raises what the ledger understands:

    Refused: Stripe said no for good; `code` is the decline code or Stripe's error code.
    NotAccepted: nothing was done: busy (429), a connection refused, another request under the same key at work.
    Parked: the key is wrong or lacks a right; nothing of this lane will pass until somebody acts.
    Unanswered: it may have been done.
    """

    def __init__(self, key: str, url: str, version: str, *, within: float = WITHIN) -> None:
        self._key, self._url, self._version, self._within = key, url.rstrip("/"), version, within
        self._made: StripeClient | None = None
        self._making = asyncio.Lock()
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._closing: Callable[[], Awaitable[None]] | None = None

    @property
    def on(self) -> bool:
        """Whether there is a key."""
        return bool(self._key)

    async def get(self, path: str, params: Json | None = None) -> Json:
        """Read an object, or one page of a list."""
        return await self._ask("get", path, params or {})

    async def post(self, path: str, params: Json | None = None, *, key: str) -> Json:
        """Make or change something; the key is the same whenever the same is meant, at most 255 characters.

        An answer of 5xx is kept by Stripe under the key like any other: who gets it again as a replay knows that
        asking under this key will never tell more. Then the key gets another ending; who must know first whether
        something was made all the same looks for it by its metadata (`make`).
        """
        return await self.make(path, params, key=key, find=_nothing)

    async def make(
        self, path: str, params: Json | None = None, *, key: str, find: Callable[[], Awaitable[Json | None]]
    ) -> Json:
        """Like `post`; before another key is used, `find` looks for what the failed request may have left."""
        for turn in range(_TURNS):
            try:
                return await self._ask("post", path, params or {}, key if turn == 0 else f"{key}.{turn}")
            except _FailedForGood:
                found = await find()
                if found is not None:
                    return found
        raise Unanswered("Stripe fails at this again and again.", code="stripe-failed")

    async def delete(self, path: str) -> Json:
        """Delete an object; one that is gone already is refused with `resource_missing`."""
        return await self._ask("delete", path, {})

    async def pages(self, path: str, params: Json | None = None, *, limit: int = 100) -> AsyncIterator[Json]:
        """Every object of a list, newest first, page by page; where Stripe asks for patience it waits."""
        asked = {**(params or {}), "limit": limit}
        while True:
            page = await self._page(path, asked)
            for each in page["data"]:
                yield each
            if not page["has_more"] or not page["data"]:
                return
            asked["starting_after"] = page["data"][-1]["id"]

    async def _page(self, path: str, asked: Json) -> Json:
        """One page: what a long list has come to is not thrown away because it was read too fast."""
        for _ in range(_WAITS):
            try:
                return await self.get(path, asked)
            except NotAccepted as busy:
                if busy.retry_after is None or busy.retry_after > _WAITED:
                    raise
                await asyncio.sleep(busy.retry_after)
        return await self.get(path, asked)

    async def ours(self, path: str, params: Json, row_id: UUID) -> Json | None:
        """The object of a list that was made for this row of ours, which its metadata names."""
        async for each in self.pages(path, params):
            if (each.get("metadata") or {}).get("row_id") == str(row_id):
                return each
        return None

    async def close(self) -> None:
        """Close the connections."""
        if self._closing is not None:
            await self._closing()

    async def _ask(self, method: str, path: str, params: Json, key: str | None = None) -> Json:
        if not self.on:
            raise Parked("Payments are switched off.", code="payments-off")
        client = await self._client()
        given = {**params} if key is None else {**params, "idempotency_key": key}
        async with self._turn():
            return await self._sent(client, method, path, given)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One of the connections that are kept: with more than those at once, each would be opened anew."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._room.acquire()
        except TimeoutError as trouble:
            raise NotAccepted("Too many requests are under way.", code="not-sent", said="full") from trouble
        try:
            yield
        finally:
            self._room.release()

    async def _sent(self, client: "StripeClient", method: str, path: str, given: Mapping[str, Any]) -> Json:
        from stripe import StripeError  # noqa: PLC0415 - loaded with the first call

        try:
            async with asyncio.timeout(self._within):
                answer = await client.raw_request_async(method, path, **given)
        except TimeoutError as trouble:
            raise Unanswered("Stripe did not answer in time.", code="timeout") from trouble
        except StripeError as trouble:
            raise judged(trouble) from trouble
        data: Json = answer.data
        return data

    async def _client(self) -> "StripeClient":
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
        return self._made

    def _make(self) -> "StripeClient":
        """Load the SDK, which takes a good part of a second, and make the client; nothing is sent about ourselves."""
        import logging  # noqa: PLC0415

        import stripe  # noqa: PLC0415 - lazily: what never calls Stripe does not carry it

        stripe.enable_telemetry = False
        for name in ("stripe", "httpx", "httpcore"):  # they log addresses and parameters
            logging.getLogger(name).setLevel(logging.WARNING)
        http = stripe.HTTPXClient(timeout=self._within)
        self._closing = http.close_async
        return stripe.StripeClient(
            self._key,
            stripe_version=self._version,
            base_addresses={"api": self._url},
            max_network_retries=0,
            http_client=http,
        )


class _FailedForGood(Unanswered):
    """Stripe failed, and will say so for as long as it remembers the key."""


async def _nothing() -> None:
    """Looks for nothing."""


def judged(trouble: "StripeError") -> Refused | NotAccepted | Parked | Unanswered:
    """What a trouble of the SDK proves, for the ledger.

    What Stripe says of a declined card is meant for who pays; its other messages are meant for us. Only an error as
    Stripe writes it is its word: anybody on the way may answer with a bare status.
    """
    import stripe  # noqa: PLC0415

    code, said = _code(trouble), _said(trouble)
    match trouble:
        case stripe.APIConnectionError():
            return _unconnected(trouble)
        case stripe.RateLimitError():
            return _busy(trouble, code, said)
        case stripe.IdempotencyError():
            return Unanswered("Another request was made under the same key.", code="idempotency", said=said)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return Parked("Stripe does not let us in.", code=code or "stripe-key", said=said)
        case stripe.CardError() if trouble.user_message:
            return Refused(trouble.user_message, code=code, said=said)
        case _:
            return _failed(trouble, code, said)


def _busy(trouble: "StripeError", code: str, said: str) -> NotAccepted:
    """429: the account's limit, or (`lock_timeout`) the object is being changed by another request."""
    waits = (trouble.headers or {}).get("retry-after", "")
    return NotAccepted(
        "Stripe asks for patience.",
        code=code or "http-429",
        said=said,
        retry_after=float(waits) if waits.isascii() and waits.isdigit() else None,
        whole_lane=code != "lock_timeout",
    )


def _not_stripes(trouble: "StripeError", code: str, said: str) -> NotAccepted | Unanswered:
    """Too many requests is what it says whoever says it; else nobody can tell whether Stripe has met the request."""
    if trouble.http_status == _BUSY:
        return _busy(trouble, code, said)
    return Unanswered("What answered was not Stripe.", code=f"http-{trouble.http_status or 0}", said=said)


def _unconnected(trouble: "StripeError") -> NotAccepted | Unanswered:
    import httpx  # noqa: PLC0415

    cause = trouble.__cause__
    name = type(cause).__name__
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotAccepted("Stripe cannot be reached.", code="not-sent", said=name)
    return Unanswered("No usable answer came from Stripe.", code="unanswered", said=name)


def _failed(trouble: "StripeError", code: str, said: str) -> NotAccepted | Refused | Unanswered:
    status = trouble.http_status or 0
    if trouble.error is None:
        return _not_stripes(trouble, code, said)
    if status == _CONFLICT:
        return NotAccepted("The same request is under way.", code=code or "http-409", said=said, retry_after=2.0)
    if 400 <= status < 500:
        return Refused("Stripe did not accept this.", code=code or f"http-{status}", said=said)
    kind = _FailedForGood if (trouble.headers or {}).get("idempotent-replayed") == "true" else Unanswered
    return kind("Stripe failed.", code=code or f"http-{status}", said=said)


def _code(trouble: "StripeError") -> str:
    declined = getattr(trouble.error, "decline_code", None)
    return str(declined or getattr(trouble.error, "code", None) or "")[:_SAID]


def _said(trouble: "StripeError") -> str:
    """In one line, for the record of attempts."""
    param = getattr(trouble, "param", None)
    words = f"{trouble.http_status or ''} {_code(trouble)} {param or ''}: {trouble.user_message or ''}"
    line = " ".join(words.split())
    return "".join(character for character in line if character.isprintable())[:_SAID]
