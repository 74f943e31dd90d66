"""Telnyx, by plain HTTP: one call that sends one text."""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from kit.http.client import Call, NotSent, Outbound, Refused, Unanswered
from kit.ledger import model as ledger
from kit.ledger.calls import judged
from kit.ledger.model import Receipt

_PATIENCE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Telnyx:
    """Sends texts as one number or name of ours."""

    outbound: Outbound
    url: str
    key: str = field(repr=False)
    sender: str

    async def send(self, number: str, text: str) -> Receipt:
        """Hand in one text. There is no key by which a repeat would be known as one.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: as the ledger has them.
        """
        body = orjson.dumps({"from": self.sender, "to": number, "text": text, "use_profile_webhooks": False})
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        call = Call("POST", f"{self.url}/messages", headers, body, deadline=_PATIENCE, attempts=1)
        try:
            answer = await self.outbound.send(call)
        except Refused as refusal:
            raise _judged(refusal) from refusal
        except (NotSent, Unanswered) as trouble:
            raise judged(trouble) from trouble
        message_id = _read(answer.body).get("data", {}).get("id")
        if not isinstance(message_id, str):
            raise ledger.Unanswered("The answer names no message.", code="no-message-id")
        return Receipt(external_id=message_id[:80], said=f"status {answer.status}")


def _judged(refusal: Refused) -> Exception:
    """What a refusal means; the words in it may hold the number and are not kept."""
    errors: list[Any] = _read(refusal.answer.body).get("errors") or [{}]
    first = errors[0]
    code = str(first.get("code", "") if isinstance(first, dict) else "")[:20]
    said = f"status {refusal.status}, code {code}"
    if refusal.status in (401, 403):
        return ledger.Parked("Telnyx does not accept our key.", code=f"http-{refusal.status}", said=said)
    if refusal.status == 402:
        return ledger.Parked("Telnyx wants to be paid first.", code="http-402", said=said)
    return judged(refusal, said=said)


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
