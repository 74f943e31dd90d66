"""Rate limits (GCRA): exact across processes in one Redis call, local when Redis is away, never open."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from math import ceil
from typing import Any, NamedTuple

from gateway.policy import Policy
from gateway.redis_pipe import Call, RedisPipe, Script
from gateway.routes import Route
from gateway.tally import MICRO, Limit, Tally, Verdict, Whose

_LOT = 256
GCRA = Script(files("gateway").joinpath("gcra.lua").read_text(encoding="utf-8"))


class LocalLimits:
    """The same arithmetic in this process; told what Redis said, so a fail-over grants no second burst."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic, capacity: int = 100_000) -> None:
        self._now = now
        self._capacity = capacity
        self._arrivals: dict[str, int] = {}
        self._heard: list[tuple[float, Sequence[str], Sequence[int]]] = []

    def hear(self, keys: Sequence[str], leads: Sequence[int]) -> None:
        """Take down what Redis says of these keys; it is worked in when it is needed, or a lot has gathered."""
        self._heard.append((self._now(), keys, leads))
        if len(self._heard) >= _LOT:
            self._work_in()

    def _work_in(self) -> None:
        """What was said last is what counts; a lot is mostly about the same few."""
        heard, self._heard = self._heard, []
        last: dict[int, tuple[float, Sequence[str], Sequence[int]]] = {}
        for each in heard:
            last.pop(id(each[1]), None)
            last[id(each[1])] = each
        for at, keys, leads in last.values():
            self._learn(keys, leads, round(at * MICRO))

    def step(self, keys: Sequence[str], limits: Sequence[Limit]) -> list[int]:
        """One step over all limits, in the form the script answers."""
        self._work_in()
        now = round(self._now() * MICRO)
        leads = [
            min(max(0, self._arrivals.get(key, now) - now), limit.window)
            for key, limit in zip(keys, limits, strict=False)
        ]
        waits = [lead + limit.takes - limit.window for lead, limit in zip(leads, limits, strict=True)]
        wait = max(0, *waits)
        if wait > 0:
            return [waits.index(wait) + 1, wait, *leads]
        leads = [lead + limit.takes for lead, limit in zip(leads, limits, strict=True)]
        self._learn(keys, leads, now)
        return [0, 0, *leads]

    def _learn(self, keys: Sequence[str], leads: Sequence[int], now: int) -> None:
        arrivals = self._arrivals
        arrivals.update(zip(keys, [now + lead for lead in leads], strict=False))
        while len(arrivals) > self._capacity:
            del arrivals[next(iter(arrivals))]


class Refusals:
    """Which keys are known to be refused, so that nobody need be asked.

    A refusal consumes nothing and an arrival time only grows, hence this memory is exact: what is kept is the moment
    from which the cheapest request passes.
    """

    def __init__(self, *, capacity: int = 10_000) -> None:
        self.until: dict[str, float] = {}
        """From when on a request that takes one unit may pass, by key."""
        self._capacity = capacity

    def remember(self, key: str, limit: Limit, wait: int) -> None:
        """A request that this limit counts was told to wait so many microseconds."""
        cheapest = wait - (limit.takes - limit.interval)
        if cheapest <= 0:
            return
        now = time.monotonic()
        self.until[key] = now + cheapest / MICRO
        if len(self.until) > self._capacity:
            self.until = {key: until for key, until in self.until.items() if until > now}
            while len(self.until) > self._capacity // 2:
                del self.until[next(iter(self.until))]

    def verdict(self, keys: list[str], limits: list[Limit]) -> Verdict | None:
        """What these limits are known to say, if it is no."""
        now = time.monotonic()
        longest, refusing = 0.0, limits[0]
        for key, limit in zip(keys, limits, strict=True):
            left = self.until.get(key, now) - now
            left += (limit.takes - limit.interval) / MICRO if left > 0 else 0.0
            if left > longest:
                longest, refusing = left, limit
        seconds = ceil(longest)
        return Verdict(seconds, refusing, 0, seconds) if seconds else None

    def forget(self) -> None:
        """The limits are others now."""
        self.until.clear()


class Question(NamedTuple):
    """What Redis is asked for one caller on one kind of route: the same each time, so it is put together once."""

    tally: Tally
    keys: list[str]
    call: Call


class Refusal(NamedTuple):
    """A verdict that is no, and what was counted."""

    verdict: Verdict
    tally: Tally


class Limiter:
    """Asks Redis for a verdict, and answers itself at once when Redis does not.

    `share` is how many processes divide the limits while there is no Redis to add them up. `plan_of` says on which
    plan an organization is, from memory; an empty name is a plan that nobody knows.
    """

    def __init__(
        self,
        redis: RedisPipe,
        namespace: str,
        policy: Policy,
        *,
        plan_of: Callable[[str], str] = lambda _organization: "",
        share: int = 1,
        scale: float = 1.0,
        remembered: int = 10_000,
    ) -> None:
        self._redis = redis
        self._prefix = f"{namespace}:limit:"
        self._epoch = f"{namespace}:epoch:"
        self._revoked = f"{namespace}:revoked:"
        self._plan_of = plan_of
        self._share = share
        self._scale = scale
        self._local = LocalLimits()
        self._refusals = Refusals()
        self._tallies: dict[tuple[object, ...], Tally] = {}
        self._questions: dict[tuple[object, ...], Question] = {}
        self._remembered = remembered
        self._policy = policy

    def adopt(self, policy: Policy) -> None:
        """Count by another policy from now on; what was counted under a name goes on counting under it."""
        self._policy = policy
        self._tallies.clear()
        self._questions.clear()
        self._refusals.forget()

    def _tier(self, organization: str) -> str:
        return self._policy.tier(self._plan_of(organization)) if organization else ""

    def tally(self, route: Route, whose: Whose) -> Tally:
        """What a request on this route is counted by; worked out once for everyone alike."""
        tier = self._tier(whose.organization)
        alike = (route.rates, route.replaces_address, tier, not whose.user, not whose.credential)
        found = self._tallies.get(alike)
        if found is None:
            found = self._tallies[alike] = self._worked_out(route, whose, self._policy.tier(tier))
        return found

    def _worked_out(self, route: Route, whose: Whose, tier: str) -> Tally:
        policy = self._policy
        general = [policy.rate(name, tier) for name in policy.always]
        own = [policy.rate(name, tier) for name in route.rates if name not in policy.always]
        if route.replaces_address and any(rate.per == "address" for rate in own):
            general = [rate for rate in general if rate.per != "address"]
        general, own = ([rate for rate in rates if getattr(whose, rate.per)] for rates in (general, own))
        return Tally(general, own, policy.cost(route.rates), self._prefix, scale=self._scale, share=self._share)

    def known(self, route: Route, whose: Whose) -> Refusal | None:
        """That such a request is refused, if it is known without asking anybody."""
        if not self._refusals.until:
            return None
        tally, keys, _ = self.question(route, whose)
        verdict = self._refusals.verdict(keys, tally.limits)
        return None if verdict is None else Refusal(verdict, tally)

    def question(self, route: Route, whose: Whose) -> Question:
        """What to ask of Redis before this request may pass; who is signed in is asked about, too."""
        tier = self._tier(whose.organization) if whose.organization else ""
        same = (route.rates, route.replaces_address, tier, whose)
        found = self._questions.get(same)
        if found is None:
            tally = self.tally(route, whose)
            keys = tally.keys(whose)
            ended = [self._epoch + whose.user, self._revoked + whose.credential] if whose.user else []
            found = self._questions[same] = Question(tally, keys, Call(GCRA, [*keys, *ended], tally.arguments))
            if len(self._questions) > self._remembered:
                del self._questions[next(iter(self._questions))]
        return found

    async def check(self, question: Question) -> Verdict:
        """Consume one request from every limit, or from none; learn beside it whether the session has ended."""
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.ask(question, lambda said: None if verdict.done() else verdict.set_result(said))
        return await verdict

    def ask(self, question: Question, on_verdict: Callable[[Verdict], None]) -> None:
        """The same for a caller that does not wait: the verdict is handed over at once when it comes."""
        self._redis.call(question.call, partial(self._told, question, on_verdict))

    def _told(self, question: Question, on_verdict: Callable[[Verdict], None], answer: object) -> None:
        if isinstance(answer, list):
            on_verdict(self._shared_verdict(question, answer))
        elif not self._redis.call_again(question.call, answer, partial(self._told, question, on_verdict)):
            on_verdict(self._local_verdict(question))

    def _local_verdict(self, question: Question) -> Verdict:
        tally, keys, _ = question
        refusing, wait, *leads = self._local.step(keys, tally.shared)
        verdict = self._verdict(tally.shared, keys, refusing, wait, leads)
        verdict.local = True
        return verdict

    def _shared_verdict(self, question: Question, answer: list[Any]) -> Verdict:
        tally, keys, _ = question
        refusing, wait, epoch, revoked, *leads = answer
        self._local.hear(keys, leads)
        verdict = self._verdict(tally.limits, keys, refusing, wait, leads)
        if epoch:
            verdict.epoch = int(epoch)
        if revoked:
            verdict.session_revoked = True
        return verdict

    def _verdict(self, limits: list[Limit], keys: list[str], refusing: int, wait: int, leads: list[int]) -> Verdict:
        if refusing:
            limit = limits[refusing - 1]
            self._refusals.remember(keys[refusing - 1], limit, wait)
            seconds = max(1, ceil(wait / MICRO))
            return Verdict(seconds, limit, max(0, (limit.window - leads[refusing - 1]) // limit.interval), seconds)
        remaining = [(each.window - ahead) // each.interval for each, ahead in zip(limits, leads, strict=True)]
        left = min(remaining)
        tightest = remaining.index(left)
        return Verdict(0, limits[tightest], left, -(-leads[tightest] // MICRO) or 1)
