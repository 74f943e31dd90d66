"""The gateway's own small questions to auth, over the same pool as everyone's."""

import orjson

from gateway.upstream import Upstream, UpstreamFailed

_LARGEST = 1024 * 1024


class NotFetched(Exception):
    """The document could not be had; where there was an answer, its status and the code of its problem."""

    def __init__(self, reason: str, status: int = 0, code: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.code = code


async def fetch(upstream: Upstream, target: str, *, within: float = 2.0, at_most: int = _LARGEST) -> bytes:
    """GET a document of at most so many bytes.

    Raises:
        NotFetched: when there is no answer, or not the wanted one.
    """
    return await _asked(upstream, b"GET", target, b"", within, at_most)


async def ask(upstream: Upstream, target: str, token: str, question: bytes, *, within: float = 2.0) -> bytes:
    """POST a question in JSON, showing a token of our own; what is asked must change nothing.

    Raises:
        NotFetched: when there is no answer, or not the wanted one.
    """
    headers = b"authorization: Bearer %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (
        token.encode(),
        len(question),
    )
    return await _asked(upstream, b"POST", target, headers + b"\r\n" + question, within, _LARGEST)


async def _asked(  # noqa: PLR0917 - what a question is made of
    upstream: Upstream, method: bytes, target: str, rest: bytes, within: float, at_most: int
) -> bytes:
    request = b"%b %b HTTP/1.1\r\nhost: %b\r\naccept: application/json\r\n%b" % (
        method,
        target.encode(),
        upstream.authority,
        rest or b"\r\n",
    )
    try:
        connection = await upstream.connect(within)
        try:
            connection.send(method, request, within)
            await connection.head()
            content = bytearray(connection.take())
            while not connection.complete and len(content) <= at_most:
                await connection.change()
                content += connection.take()
            content += connection.take()
        finally:
            connection.release()
    except UpstreamFailed as failed:
        raise NotFetched(failed.reason) from failed
    if connection.status != 200 or len(content) > at_most:
        raise NotFetched(f"status {connection.status}", connection.status, _code_of(bytes(content)))
    return bytes(content)


def _code_of(content: bytes) -> str:
    """The code of a problem document; nothing for whatever else it is."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return ""
    kind = document.get("type") if isinstance(document, dict) else None
    return kind.removeprefix("urn:rostrum:problem:") if isinstance(kind, str) else ""
