"""`/v1/events` and `/v1/events/ws`: an organization's facts, told to one browser for as long as its token is good."""

import asyncio
from urllib.parse import parse_qs

from gateway.events.connected import Connected
from gateway.events.hub import Hub
from gateway.events.lines import Line, ServerSent, Socket
from gateway.events.listener import DELIVERED, Listener
from gateway.problems import NO_ORGANIZATION, Refused
from gateway.stays import Stay, Stays
from gateway.tokens import Session
from gateway.upgrade import Handshake
from gateway.visit import Visit


class EventsDoor:
    """Lets browsers in and tells them what happens."""

    def __init__(
        self, hub: Hub, stays: Stays, connected: Connected, *, heartbeat: float = 15.0, backlog: int = 256
    ) -> None:
        self._hub = hub
        self.connected = connected
        self._stays = stays
        self._heartbeat = heartbeat
        self._backlog = backlog

    async def serve(self, visit: Visit, session: Session | None, shake: Handshake | None) -> None:
        """Tell one browser everything, until it leaves or must leave.

        Raises:
            Refused: the token names no organization, or there are too many already.
            ClientGone: the browser has left.
        """
        if session is None or session.organization_id is None:
            raise Refused(NO_ORGANIZATION)
        stay = self._stays.admit(session)
        listener = Listener(
            session.organization_id, session.role, _asked(visit), user_id=session.user_id, most=self._backlog
        )
        line: Line = Socket(visit, shake, listener.wake) if shake is not None else ServerSent(visit)
        stay.on_end = visit.edge.on_gone = listener.wake
        visit.lasting, present = True, False
        try:
            await line.open()
            await self._hub.join(listener)
            await self.connected.came(session)
            present = True
            await self._tell(visit, stay, listener, line)
            await line.end(stay.ending)
        finally:
            visit.edge.on_gone = None
            self._hub.leave(listener)
            self._stays.leave(stay)
            if present:
                await self.connected.went(session)

    async def _tell(self, visit: Visit, stay: Stay, listener: Listener, line: Line) -> None:
        now = asyncio.get_running_loop().time
        beat_at, shown = now() + self._heartbeat, listener.place
        while not stay.ending and not line.over:
            visit.insist()
            if listener.replay is not None:
                async for page in self._hub.replayed(listener):
                    await line.tell(page)
                    DELIVERED.inc(len(page))
            elif items := listener.take():
                await line.tell(items)
                DELIVERED.inc(len(items))
                shown = next((item.place for item in reversed(items) if item.kind != "passing"), shown)
            elif now() >= beat_at:
                await line.beat(listener.place if listener.place != shown else None)
                beat_at, shown = now() + self._heartbeat, listener.place
            else:
                await listener.wait(beat_at - now())


def _asked(visit: Visit) -> str:
    """The place that the browser names: the header that `EventSource` sends, else the query."""
    for name, value in visit.given:
        if name == b"last-event-id":
            return value[:64].decode("latin-1")
    query = parse_qs(visit.query.decode("latin-1"), max_num_fields=20)
    return query.get("last_event_id", [""])[0][:64]
