"""A call of a model from its reservation to its settlement.

    async for piece in calling.write(purpose, ask, wish): ...

Fallback to another model happens only where it is proven that the first began nothing that is billed. An answer that
breaks off is settled for what came; one that never came is settled for all that it may have cost.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from generation.calls.accounting import Accounting
from generation.calls.model import CallStatus, Purpose, Reservation, Settlement, Usage
from generation.providers.base import Ask, Broken, End, NotAccepted, Piece, ToolCall, Unanswered, Verdict
from generation.providers.prices import Model
from generation.providers.routing import Deployment, NoModel, Quality, Routes
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

LONGEST: Final = 180.0
"""Seconds that a text may take in all."""

CALLS = metrics.counter("generation_calls", "Calls of models by how they ended", ("provider", "model", "outcome"))


@dataclass(frozen=True, slots=True)
class Wish:
    """Which model is wanted: a quality, or one by name."""

    quality: Quality = "balanced"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, and what that took."""

    text: str
    model: str
    usage: Usage
    cost: int
    plain: int
    whole: bool
    refused: bool
    calls: Sequence[ToolCall] = ()


@dataclass(frozen=True, slots=True)
class Calling:
    """Calls models within the budget."""

    accounting: Accounting
    routes: Routes

    async def write(self, purpose: Purpose, ask: Ask, wish: Wish) -> AsyncGenerator[str | Written, None]:
        """A text piece by piece, with `Written` as the last.

        Raises:
            BudgetExhausted: the month's money does not cover it.
            ModelNotPriced, NoModel: there is no such model, or none is at hand.
            Broken, Unanswered: the answer broke off, or never came; it is settled.
        """
        sees = any(each.pictures for each in ask.messages)
        for deployment in self.routes.candidates("text", wish.quality, wish.model, sees=sees):
            held = await self._reserve(purpose, deployment, self._most(deployment.model, ask))
            try:
                async with aclosing(self._stream(held, deployment, ask)) as pieces:
                    async for piece in pieces:
                        yield piece
            except NotAccepted as refusal:
                log.info("model.not_accepted", model=deployment.model.id, code=refusal.code)
            else:
                return
        raise NoModel

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Vectors of texts.

        Raises:
            BudgetExhausted, NoModel, Unanswered: see `write`.
        """
        for deployment in self.routes.candidates("embedding", "fast"):
            most = sum(len(each.encode(errors="surrogatepass")) + 8 for each in texts)
            held = await self._reserve(purpose, deployment, deployment.model.most(most, 0))
            began = time.monotonic()
            try:
                async with asyncio.timeout(30):
                    vectors, usage = await deployment.provider.embed(deployment.model.id, texts)
            except NotAccepted as refusal:
                await self._refused(held, deployment, refusal, began)
            except (Unanswered, TimeoutError, asyncio.CancelledError) as trouble:
                await asyncio.shield(self._unanswered(held, deployment, trouble, began))
                raise
            else:
                deployment.breaker.succeeded()
                await self._done(held, deployment, usage, began)
                return vectors
        raise NoModel

    async def judge(self, purpose: Purpose, texts: Sequence[str]) -> Sequence[Verdict]:
        """What texts contain that may harm; nothing is shown or sent on before that is known.

        Raises:
            BudgetExhausted, NoModel, Unanswered: see `write`.
        """
        for deployment in self.routes.candidates("moderation", "fast"):
            most = sum(len(each.encode(errors="surrogatepass")) + 8 for each in texts)
            held = await self._reserve(purpose, deployment, deployment.model.most(most, 0))
            began = time.monotonic()
            try:
                async with asyncio.timeout(30):
                    verdicts = await deployment.provider.judge(deployment.model.id, texts)
            except NotAccepted as refusal:
                await self._refused(held, deployment, refusal, began)
            except (Unanswered, TimeoutError, asyncio.CancelledError) as trouble:
                await asyncio.shield(self._unanswered(held, deployment, trouble, began))
                raise
            else:
                deployment.breaker.succeeded()
                await self._done(held, deployment, Usage(), began)
                return verdicts
        raise NoModel

    async def _stream(
        self, held: Reservation, deployment: Deployment, ask: Ask
    ) -> AsyncGenerator[str | Written, None]:
        came, end, began = "", None, time.monotonic()
        settled = False
        try:
            async with aclosing(_within(deployment, ask, began + LONGEST)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, End):
                        end = piece
                    else:
                        came += piece.text
                        yield piece.text
            if end is None:
                raise Broken("cut_short")
            deployment.breaker.succeeded()
            settled = True
            cost, plain = await self._done(held, deployment, end.usage, began, ask.left_out)
            yield Written(came, deployment.model.id, end.usage, cost, plain, end.whole, end.refused, end.calls)
        except NotAccepted as refusal:
            settled = True
            await self._refused(held, deployment, refusal, began)
            raise
        except Unanswered as trouble:
            settled = True
            await asyncio.shield(self._unanswered(held, deployment, trouble, began))
            raise
        finally:
            if not settled:  # broke off, or whoever listens is gone: billed for what was made
                deployment.breaker.failed() if end is None else deployment.breaker.abandoned()
                await asyncio.shield(self._broken(held, deployment, ask, came, began))

    def plain(self, usage: Usage) -> int:
        """What a text with so many tokens costs by the plain way."""
        model = self.routes.plain("text")
        return 0 if model is None else model.cost(replace(usage, cached_tokens=0))

    def _most(self, model: Model, ask: Ask) -> int:
        return model.most(ask.most_input(), ask.most_tokens)

    async def _reserve(self, purpose: Purpose, deployment: Deployment, amount: int) -> Reservation:
        held = Reservation(purpose, deployment.provider.name, deployment.model.id, amount, timedelta(minutes=5))
        try:
            async with self.accounting.database.transaction(purpose.organization_id) as tx:
                await self.accounting.reserve(tx, held)
        except BaseException:
            deployment.breaker.abandoned()
            raise
        return held

    async def _done(
        self, held: Reservation, deployment: Deployment, usage: Usage, began: float, left_out: int = 0
    ) -> tuple[int, int]:
        model, cost = deployment.model, deployment.model.cost(usage)
        dearest = self.routes.plain(model.use) or model
        plain = max(cost, dearest.cost(replace(usage, cached_tokens=0)))
        saved_by = "routing" if plain > cost else ""
        compacted = dearest.cost(Usage(left_out))
        came = Settlement(CallStatus.DONE, cost, plain + compacted, usage, _since(began), saved_by, "", compacted)
        await self._settle(held, came)
        return cost, plain + compacted

    async def _broken(self, held: Reservation, deployment: Deployment, ask: Ask, came: str, began: float) -> None:
        """What came, at most: each token stands for at least a byte."""
        made = Usage(ask.most_input(), 0, min(len(came.encode(errors="surrogatepass")), ask.most_tokens))
        cost = min(held.amount, deployment.model.cost(made))
        await self._settle(held, Settlement(CallStatus.BROKEN, cost, cost, made, _since(began), code="broke_off"))

    async def _refused(self, held: Reservation, deployment: Deployment, refusal: NotAccepted, began: float) -> None:
        deployment.breaker.failed() if refusal.theirs else deployment.breaker.abandoned()
        came = Settlement(CallStatus.REFUSED, 0, 0, Usage(), _since(began), code=refusal.code)
        await self._settle(held, came)

    async def _unanswered(
        self, held: Reservation, deployment: Deployment, trouble: BaseException, began: float
    ) -> None:
        deployment.breaker.failed()
        code = trouble.code if isinstance(trouble, Unanswered) else "took_too_long"
        came = Settlement(CallStatus.UNANSWERED, held.amount, held.amount, Usage(), _since(began), code=code)
        await self._settle(held, came)

    async def _settle(self, held: Reservation, came: Settlement) -> None:
        async with self.accounting.database.transaction(held.purpose.organization_id) as tx:
            await self.accounting.settle(tx, held, came)
        CALLS.labels(held.provider, held.model, came.status.value).inc()


async def _within(deployment: Deployment, ask: Ask, until: float) -> AsyncGenerator[Piece | End, None]:
    """The answer, none of whose pieces is waited for beyond the time."""
    pieces = aiter(deployment.provider.write(deployment.model.id, ask))
    begun = False
    while True:
        try:
            async with asyncio.timeout(max(until - time.monotonic(), 0.0)):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise (Broken("took_too_long") if begun else Unanswered("took_too_long")) from None
        begun = True
        yield piece


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
