"""The handshake of a WebSocket (RFC 6455): checked before anything else is done for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from gateway.headers import Cors, Head, lines_of
from gateway.problems import (
    MALFORMED_UPGRADE,
    ORIGIN_REFUSED,
    TWO_TOKENS,
    UPGRADE_REFUSED,
    Header,
    Refused,
)
from gateway.visit import Visit

SUBPROTOCOL = "rostrum.v1"
_TOKEN = "bearer."  # noqa: S105 - the name of the place where a token stands
_CLOSE = (b"connection", b"close")
_RESERVED = frozenset({"connection", "upgrade", "date"})


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake that may be answered."""

    protocol: ServerProtocol
    headers: tuple[Header, ...]
    """What the answer says beside `Connection` and `Upgrade`."""
    key: str

    def answer(self, lines: Sequence[bytes]) -> bytes:
        """The head of the answer that switches protocols, with these lines."""
        told = lines_of(self.headers) + b"".join(lines)
        return b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n%b\r\n" % told


def handshake(visit: Visit, cors: Cors, *, ours: bool, foreign: bool = False, largest: int = 4096) -> Handshake:
    """The handshake in this request.

    `ours` is one that the gateway answers itself; of others the service chooses subprotocol and extensions, and where
    the route is `foreign` also whose pages may open it.

    Raises:
        Refused: 426 when it asks for another protocol, 400 when it is malformed, 403 for a page of a foreign origin.
    """
    head = visit.head
    if head.upgrade.strip().lower() != b"websocket":
        raise Refused(UPGRADE_REFUSED, [_CLOSE])
    if head.origin and not foreign and not cors.allows(head.origin):
        raise Refused(ORIGIN_REFUSED, [_CLOSE])
    headers = Headers()
    for name, value in visit.given:
        headers[name.decode("latin-1")] = value.decode("latin-1")
    chosen = {"subprotocols": [SUBPROTOCOL]} if ours else {}
    answer = ServerProtocol(**chosen).accept(  # type: ignore[arg-type]  # a subprotocol is a str
        Request(visit.path, headers, visit.method)
    )
    if answer.status_code != 101 or head.has_body or not visit.edge.switching:
        raise Refused(MALFORMED_UPGRADE, [_CLOSE])
    told = tuple(
        (name.lower().encode(), value.encode())
        for name, value in answer.headers.raw_items()
        if name.lower() not in _RESERVED
    )
    protocol = ServerProtocol(state=State.OPEN, max_size=largest)  # the head was read elsewhere, frames follow
    return Handshake(protocol, told, headers["Sec-WebSocket-Key"])


def token_of_subprotocol(head: Head) -> None:
    """Read the access token that a page states as the subprotocol `bearer.<token>`; nobody behind us sees it there.

    A page cannot send `Authorization` with a WebSocket, and in the address it would stand in every log.

    Raises:
        Refused: 400 when there are two tokens.
    """
    passed = head.passed
    for at in range(0, len(passed), 4):
        if passed[at] != b"sec-websocket-protocol":
            continue
        offered = [name.strip() for name in passed[at + 2].split(b",")]
        tokens = [name for name in offered if name.startswith(_TOKEN.encode())]
        if not tokens:
            continue
        if len(tokens) > 1 or head.authorizations:
            raise Refused(TWO_TOKENS, [_CLOSE])
        head.authorization = b"Bearer " + tokens[0][len(_TOKEN) :]
        head.authorizations = 1
        passed[at + 2] = b", ".join(name for name in offered if name not in tokens)
    head.passed = [
        part
        for at in range(0, len(passed), 4)
        if passed[at] != b"sec-websocket-protocol" or passed[at + 2]
        for part in passed[at : at + 4]
    ]
