"""The gateway's own small questions to auth, over the same pool as everyone's."""

from gateway.upstream import Upstream, UpstreamFailed

_LARGEST = 1024 * 1024


class NotFetched(Exception):
    """The document could not be had."""


async def fetch(upstream: Upstream, target: str, *, within: float = 2.0, at_most: int = _LARGEST) -> bytes:
    """GET a document of at most so many bytes.

    Raises:
        NotFetched: when there is no answer, or not the wanted one.
    """
    request = b"GET %b HTTP/1.1\r\nhost: %b\r\naccept: application/json\r\n\r\n" % (
        target.encode(),
        upstream.authority,
    )
    try:
        connection = await upstream.connect(within)
        try:
            connection.send(b"GET", request, within)
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
        raise NotFetched(f"status {connection.status}")
    return bytes(content)
