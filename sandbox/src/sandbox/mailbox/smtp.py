"""The mail server's door: SMTP as aiosmtpd speaks it, with the member's faults."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

from aiosmtpd.smtp import SMTP, AuthResult, Session
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from sandbox.faults import Faults, Plan
from sandbox.mailbox.message import Envelope
from sandbox.received import Call, Received, readable
from sandbox.rules import LONGEST_DELAY, DropAfterEffect, ErrorAfterEffect, Occurrence, RefuseBeforeEffect

log = logging.getLogger(__name__)

LARGEST_MAIL = 10 * 1024 * 1024
MOST_RECIPIENTS = 100
CLOSING = 421
"""The one code after which the server itself ends the connection."""
TURNS_OF_AN_ACCEPT = 2
"""How many turns of the loop lie between a socket's acceptance and its session."""

Accept = Callable[[bytes, Envelope, float], Awaitable[None]]
"""Stores a mail: its bytes, its envelope, and for how long it stays invisible."""


class Postman:
    """What the server does at each step of a mail; the names are aiosmtpd's."""

    def __init__(self, accept: Accept, faults: Faults, received: Received) -> None:
        self._accept = accept
        self._faults = faults
        self._received = received
        self._keeping: set[asyncio.Task[None]] = set()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: SmtpEnvelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, unless a rule that names RCPT says otherwise."""
        plan = self._faults.plan(Occurrence("RCPT", recipients=(address,), only_by_method=True))
        await asyncio.sleep(plan.delay)
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if plan.outcome is None:
            envelope.rcpt_tos.append(address)
            return "250 2.1.5 OK"
        call = self._received.begin(_call("RCPT", session, envelope.mail_from or "", (address,)))
        return await _spoil(server, plan, call)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: SmtpEnvelope
    ) -> str:
        """Keep the mail, unless it is refused; then answer as the rules of the moment say."""
        raw, sender = envelope.original_content or b"", envelope.mail_from or ""
        recipients = tuple(envelope.rcpt_tos)
        plan = self._faults.plan(Occurrence("DATA", recipients=recipients))
        call = self._received.begin(_call("DATA", session, sender, recipients))
        call.took(raw)
        await asyncio.shield(self._keep(raw, Envelope(sender, recipients), plan))
        if plan.outcome is None:
            call.ended("answered", 250)
            return "250 2.0.0 OK"
        return await _spoil(server, plan, call)

    def _keep(self, raw: bytes, envelope: Envelope, plan: Plan) -> asyncio.Task[None]:
        """Keep a mail in due time, also when its client has lost patience: what was handed over is accepted."""

        async def keep() -> None:
            await asyncio.sleep(plan.delay)
            if not isinstance(plan.outcome, RefuseBeforeEffect):
                await self._accept(raw, envelope, plan.visible_after)

        task = asyncio.create_task(keep())
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return task

    async def handle_exception(self, error: Exception) -> str:
        """Answer a bug of the sandbox as what it is: trouble of the server, not of the mail."""
        log.error("a bug answered 451", exc_info=error)
        return "451 4.3.0 The sandbox has a bug; its log says more"


def _call(command: str, session: Session, sender: str, recipients: tuple[str, ...]) -> Call:
    headers = {
        "helo": readable(session.host_name or ""),
        "mail-from": readable(sender),
        "rcpt-to": ", ".join(readable(recipient) for recipient in recipients),
    }
    return Call(command, "", headers=headers)


async def _spoil(server: SMTP, plan: Plan, call: Call) -> str:
    """Give the answer the plan wants in place of the true one; a cut connection gets none."""
    outcome = plan.outcome
    if isinstance(outcome, RefuseBeforeEffect | ErrorAfterEffect):
        call.ended("refused" if isinstance(outcome, RefuseBeforeEffect) else "error", outcome.code)
        if outcome.code == CLOSING:
            await server.push(f"{outcome.code} {outcome.text}")
            await _cut(server, at_once=False)
        return f"{outcome.code} {outcome.text}"
    if isinstance(outcome, DropAfterEffect):
        call.ended("dropped")
        await _cut(server, at_once=True)
    return "250 OK"


async def _cut(server: SMTP, *, at_once: bool) -> None:
    """End the connection; its task is cancelled as soon as the end is seen, so this never returns."""
    transport = server.transport
    if isinstance(transport, asyncio.Transport) and at_once:
        transport.abort()
    elif transport is not None:
        transport.close()
    await asyncio.get_running_loop().create_future()


class _Connection(SMTP):
    """One client's session; known to the server as long as it lasts."""

    def __init__(self, postman: Postman, connections: "set[_Connection]") -> None:
        super().__init__(
            postman,
            data_size_limit=LARGEST_MAIL,
            enable_SMTPUTF8=True,
            hostname="sandbox",
            ident="Rostrum sandbox ESMTP",
            timeout=LONGEST_DELAY + 60,
            auth_require_tls=False,
            authenticator=_anyone,
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """End the session at once, with whatever is still to be written."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]  # aiosmtpd says BaseTransport, it is a stream's


def _anyone(*_: object) -> AuthResult:
    return AuthResult(success=True)


class SmtpServer:
    """Listens for mail."""

    def __init__(self, host: str, port: int, postman: Postman) -> None:
        self._host, self._port = host, port
        self._postman = postman
        self._server: asyncio.Server | None = None
        self._listener: socket.socket | None = None
        self._connections: set[_Connection] = set()

    @property
    def address(self) -> str:
        """Where it listens, as host:port; the true port once it does."""
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    @property
    def listening(self) -> bool:
        """Whether a client can connect now."""
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Begin to listen."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server((self._host, self._port), family=family, backlog=512)
        self._port = self._listener.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, sock=self._listener)

    async def stop(self) -> None:
        """Cut all sessions, also those that begin at this moment, and stop listening."""
        if self._server is None or self._listener is None:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        for _ in range(TURNS_OF_AN_ACCEPT):
            await asyncio.sleep(0)
        self._server.close()
        while self._connections:
            for connection in tuple(self._connections):
                connection.cut()
            await asyncio.sleep(0)
        await self._server.wait_closed()
        self._server = None

    def _connect(self) -> _Connection:
        return _Connection(self._postman, self._connections)
