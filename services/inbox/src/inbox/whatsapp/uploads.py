"""Meta's resumable uploads: a session for a file, its bytes from an offset on, and the handle once all are there."""

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from inbox.channels.calling import answered, object_of
from inbox.whatsapp.template_graph import TEMPLATE_ERRORS, template_code
from kit.http.client import Call, Outbound
from kit.ledger.model import NotAccepted, Unanswered

_SESSION: Final = re.compile(r"upload:[\w=+/.:-]{1,500}(\?sig=[\w=+/.:-]{1,500})?", re.ASCII)
_TRIES: Final = 3
_LONGEST_HANDLE: Final = 4096


@dataclass(frozen=True, slots=True)
class Uploads:
    """The application's uploads at one address and version; the token says of which application.

    All raise Refused, NotAccepted and Unanswered. Meta's page "Upload a file", read 2026-11.
    """

    outbound: Outbound
    url: str
    version: str
    call_within: float = 45.0

    async def upload(self, token: str, media_type: str, content: bytes, attempt: int) -> str:
        """Upload a file; its handle. What breaks off goes on from where the platform says it stands."""
        described = {"file_name": "sample", "file_length": str(len(content)), "file_type": media_type}
        begun = await self._send("POST", f"app/uploads?{urlencode(described)}", token, attempt)
        session = begun.get("id")
        if not isinstance(session, str) or _SESSION.fullmatch(session) is None:
            raise Unanswered("the answer names no upload session")
        offset = 0
        for left in reversed(range(_TRIES)):
            try:
                told = await self._send("POST", session, token, attempt, (content[offset:], offset))
            except (NotAccepted, Unanswered):
                if not left:
                    raise
                told = await self._send("GET", session, token, attempt)
            handle = told.get("h")
            if isinstance(handle, str) and 0 < len(handle) <= _LONGEST_HANDLE:
                return handle
            offset = _offset(told, len(content))
        raise Unanswered("the upload has no end")

    async def _send(
        self, method: str, path: str, token: str, attempt: int, part: tuple[bytes, int] | None = None
    ) -> Any:
        headers = {"authorization": f"OAuth {token}", "accept": "application/json"}
        body = None
        if part is not None:
            body, offset = part
            headers |= {"file_offset": str(offset), "content-type": "application/octet-stream"}
        address = f"{self.url.rstrip('/')}/{self.version}/{path}"
        call = Call(method, address, headers, body, deadline=self.call_within, attempts=1)
        return object_of(await answered(self.outbound, call, TEMPLATE_ERRORS, template_code, attempt))


def _offset(told: Any, length: int) -> int:
    offset = told.get("file_offset")
    if not isinstance(offset, int) or not 0 <= offset < length:
        raise Unanswered("the answer names no place to go on from")
    return offset
