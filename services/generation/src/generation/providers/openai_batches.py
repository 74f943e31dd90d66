"""OpenAI's batches: questions as a file, answers within a day as another, at half the price."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from generation.calls.model import Usage
from generation.providers.base import Ask
from generation.providers.openai_api import OpenAiApi, judging, request

ENDPOINT: Final = "/v1/chat/completions"
MARK: Final = "rostrum_batch"
_ENDS: Final = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The answer to one question of a batch."""

    text: str
    usage: Usage
    refused: bool


@dataclass(frozen=True, slots=True)
class BatchRead:
    """How a batch stands; once it has ended with the answers there are, by the name of the question."""

    status: str
    answers: Mapping[str, BatchAnswer]

    @property
    def ended(self) -> bool:
        """Whether no more answers come."""
        return self.status in _ENDS


@dataclass(frozen=True, slots=True)
class OpenAiBatches:
    """Batches of one server."""

    api: OpenAiApi

    async def begin(self, batch_id: UUID, model: str, asks: Sequence[tuple[str, Ask]]) -> str:
        """Upload the questions and begin; the id over there.

        Raises:
            NotAccepted, Unanswered: see there.
        """
        lines = [
            json.dumps({"custom_id": name, "method": "POST", "url": ENDPOINT, "body": request(model, ask)})
            for name, ask in asks
        ]
        async with judging():
            file = await self.api.sdk.files.create(
                file=(f"{batch_id}.jsonl", "\n".join(lines).encode()), purpose="batch"
            )
            made = await self.api.sdk.batches.create(
                input_file_id=file.id,
                endpoint=ENDPOINT,
                completion_window="24h",
                metadata={MARK: str(batch_id)},
            )
        return made.id

    async def find(self, batch_id: UUID) -> str | None:
        """The id over there of a batch of ours, among the latest hundred."""
        async with judging():
            page = await self.api.sdk.batches.list(limit=100)
        return next((each.id for each in page.data if (each.metadata or {}).get(MARK) == str(batch_id)), None)

    async def read(self, external_id: str) -> BatchRead:
        """How it stands; its answers once it has ended, whatever order they come in."""
        async with judging():
            batch = await self.api.sdk.batches.retrieve(external_id)
            if batch.status not in _ENDS or not batch.output_file_id:
                return BatchRead(batch.status, {})
            content = await self.api.sdk.files.content(batch.output_file_id)
        answers = {}
        for line in content.text.splitlines():
            found = json.loads(line)
            answer = _answer(found.get("response") or {})
            if answer is not None:
                answers[str(found["custom_id"])] = answer
        return BatchRead(batch.status, answers)

    async def cancel(self, external_id: str) -> None:
        """Stop it; what is answered by then is kept and paid for."""
        async with judging():
            await self.api.sdk.batches.cancel(external_id)


def _answer(response: Mapping[str, Any]) -> BatchAnswer | None:
    body = response.get("body") or {}
    if response.get("status_code") != 200 or not body.get("choices"):
        return None
    choice, used = body["choices"][0], body.get("usage") or {}
    details = used.get("prompt_tokens_details") or {}
    usage = Usage(
        int(used.get("prompt_tokens", 0)),
        int(details.get("cached_tokens") or 0),
        int(used.get("completion_tokens", 0)),
    )
    message = choice.get("message") or {}
    return BatchAnswer(message.get("content") or "", usage, bool(message.get("refusal")))
