"""A resolver that is asked over HTTPS and answers in JSON, as dns.google and Cloudflare do; it knows TXT records."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.json import Object, write
from sandbox.member import Server
from sandbox.received import Received
from sandbox.shelf import Shelf

TXT = 16
NAMES = 10_000
NO_ERROR, NO_SUCH_NAME = 0, 3


class Record(BaseModel):
    """The TXT records of a name."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    texts: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=50)]


class Dns:
    """Whose domain is whose."""

    name = "dns"
    about = "A public resolver, asked for TXT records over HTTPS (JSON)."
    door: Door = "http"
    doors: Sequence[str] = ("/dns/resolve",)
    servers: Sequence[Server] = ()
    webhooks = None

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._records: Shelf[str, Record] = Shelf(most=NAMES)
        self.router = APIRouter()
        self.router.add_route("/dns/resolve", self.resolve, methods=["GET"])
        self.router.add_api_route("/dns/control/records", self.put, methods=["PUT"])

    def reset(self) -> None:
        """As at the start: no records."""
        self._records.clear()

    async def put(self, record: Record) -> Record:
        """The records of a name, in place of all it had; an empty list takes them away."""
        name = _plain(record.name)
        self._records.take(name)
        if record.texts:
            self._records.put(name, record)
        return record

    async def resolve(self, request: Request) -> Response:
        """The answer to a question; what is no question gets 400."""
        name, kind = request.query_params.get("name", ""), request.query_params.get("type", "A")
        if not name or len(name) > 253:
            return Response(write({"error": "Invalid name"}), 400, media_type="application/json")
        found = self._records.get(_plain(name))
        texts = found.texts if found is not None and kind in {"TXT", str(TXT)} else []
        body: Object = {
            "Status": NO_ERROR if found else NO_SUCH_NAME,
            "TC": False,
            "RD": True,
            "RA": True,
            "AD": False,
            "CD": False,
            "Question": [{"name": f"{_plain(name)}.", "type": TXT}],
        }
        if texts:
            body["Answer"] = [
                {"name": f"{_plain(name)}.", "type": TXT, "TTL": 60, "data": _quoted(text)} for text in texts
            ]
        return Response(write(body), media_type="application/dns-json")


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _quoted(text: str) -> str:
    """A TXT record as resolvers show it: strings of at most 255 bytes, each in quotation marks."""
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
