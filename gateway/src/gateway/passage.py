"""A request's way from its limits to its service and back by callbacks: no task, and nothing is awaited.

This is the way of a caller who is known, with a request that is asked of a service as it is or answered from memory.
Wherever it takes another turn (a body, a change, a new connection, an answer that comes in pieces), a task goes on.
"""

from typing import TYPE_CHECKING

from gateway.forward import REPEATABLE, answered, deliver_on, forward, may_repeat, refusal_of, relay, whole_request
from gateway.routes import Route
from gateway.tally import Verdict, Whose
from gateway.tokens import Session
from gateway.upstream import Connection, UpstreamFailed
from gateway.visit import Visit

if TYPE_CHECKING:
    from gateway.app import Gateway


class Passage:
    """One request that needs nobody to wait for it."""

    __slots__ = ("_gateway", "_question", "_route", "_session", "_upstream", "_visit")

    def __init__(self, gateway: "Gateway", visit: Visit, route: Route, session: Session | None, whose: Whose) -> None:
        self._gateway = gateway
        self._visit = visit
        self._route = route
        self._session = session
        self._upstream = gateway.parts.upstreams[route.upstream]
        self._question = gateway.question(visit, route, session, whose)

    def begin(self) -> None:
        """Ask for the verdict of the limits; what follows, follows from it."""
        self._gateway.parts.limiter.ask(self._question, self._judged)

    def _judged(self, verdict: Verdict) -> None:
        gateway, visit, session = self._gateway, self._visit, self._session
        try:
            gateway.judge(visit, verdict, self._question, session)
            cache = gateway.parts.cache
            if cache.at_once(visit):
                gateway.end(visit)
            elif visit.head.has_body or cache.concerns(visit, session):
                gateway.spawn(visit, cache.serve(visit, self._route, self._upstream, session))
            else:
                self._ask()
        except Exception as failure:  # noqa: BLE001 - the gateway answers it and, unless it is a refusal, logs it
            gateway.end(visit, failure)

    def _ask(self) -> None:
        visit, upstream = self._visit, self._upstream
        visit.insist()
        connection = upstream.idle(repeatable=visit.method in REPEATABLE)
        if connection is None:
            self._gateway.spawn(visit, forward(visit, self._route, upstream))
            return
        visit.edge.on_gone = connection.cancel
        request = whole_request(visit, upstream)
        connection.send(visit.method.encode(), request, self._route.timeouts.first_byte, self._heard)

    def _heard(self, connection: Connection) -> None:
        """The answer is there, or its beginning, or there will be none."""
        gateway, visit = self._gateway, self._visit
        try:
            if connection.failure is not None:
                self._failed(connection, connection.failure)
            elif connection.complete:
                self._deliver(connection)
                gateway.end(visit)
            else:
                gateway.spawn(visit, deliver_on(visit, self._route, connection, relay))
        except Exception as failure:  # noqa: BLE001 - the gateway answers it and, unless it is a refusal, logs it
            gateway.end(visit, failure)

    def _deliver(self, connection: Connection) -> None:
        try:
            self._visit.whole(connection.status, answered(self._route, connection), connection.take())
        finally:
            connection.release()

    def _failed(self, connection: Connection, failure: UpstreamFailed) -> None:
        """Ask once more where that does no harm."""
        visit = self._visit
        visit.edge.on_gone = None
        connection.release(whole_request=False)
        if visit.method not in REPEATABLE or not may_repeat(visit, failure):
            raise refusal_of(visit, failure)
        self._gateway.spawn(visit, forward(visit, self._route, self._upstream, anew=True))
