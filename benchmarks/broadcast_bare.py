"""The calls of a broadcast and nothing else: the same requests, by the same platform and transport, with no database.

`python -m benchmarks.broadcast_bare URL COUNT` makes so many calls, 200 at once, and prints a second's worth and what
one took of the processor. No worker can do more than this before the same receiver.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Final

import orjson
import uvloop

from inbox.channels.base import Identity, Line, Outgoing
from inbox.messages.model import Content
from inbox.whatsapp.graph import Graph
from inbox.whatsapp.platform import WhatsApp
from kit.http.client import Outbound
from kit.http.http1 import Http1Transport
from kit.ids import new_id

AT_ONCE: Final = 200
_LINE: Final = Line("100000000", "a-token-of-whatsapp")
_TEMPLATE: Final = {
    "name": "news",
    "language": {"code": "en_US"},
    "components": [{"type": "body", "parameters": [{"type": "text", "text": "Sheena"}]}],
}
_SAID: Final = Content("Hello Sheena, see what is new.", {"template": _TEMPLATE})


async def calls(platform: WhatsApp, messages: Iterator[int]) -> None:
    """One after another, until none is left."""
    for number in messages:
        to = Identity("whatsapp_id", f"1650{number:08d}")
        await platform.send(Outgoing(new_id(), _LINE, to, "template", _SAID), 1)


async def measured(url: str, count: int) -> dict[str, float]:
    """Calls in a second, and what one took of this process, in seconds."""
    outbound = Outbound(transport=Http1Transport(connect=30.0, read=30.0))
    platform, messages = WhatsApp(Graph(outbound, url, "v23.0"), on=True), iter(range(count))
    began, used = time.monotonic(), time.process_time()
    await asyncio.gather(*(calls(platform, messages) for _ in range(AT_ONCE)))
    told = {"rate": count / (time.monotonic() - began), "each": (time.process_time() - used) / count}
    await outbound.close()
    return told


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(orjson.dumps(runner.run(measured(sys.argv[1], int(sys.argv[2])))))
