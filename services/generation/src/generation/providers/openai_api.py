"""OpenAI by its official SDK, and any server that speaks its API by another address.

The SDK is loaded at the first call: it takes long to import, and not everybody has a key. It never repeats a call by
itself, since the API has no idempotency key and a repeated call may be billed twice.
"""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from generation.calls.model import Usage
from generation.providers.base import Ask, Broken, End, Message, NotAccepted, Piece, ToolCall, Unanswered, Verdict

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NAME: Final = "openai"
CONNECT: Final = 5.0
BETWEEN: Final = 60.0
"""Seconds to connect, and between bytes of an answer; how long all may take is the caller's."""

_REFUSALS: Final = {400: "not_valid", 401: "key_refused", 403: "not_permitted", 404: "no_such_model", 409: "conflict"}
_OVERLOADED: Final = frozenset({429, 503, 529})


@dataclass(slots=True)
class Asked:
    """The tools that a streamed answer asks for, put together from their pieces."""

    found: dict[int, list[str]] = field(default_factory=dict)

    def add(self, pieces: Sequence[Any]) -> None:
        """Some more of them: the first piece of each has id and name, all have some of the arguments."""
        for each in pieces:
            call = self.found.setdefault(each.index, ["", "", ""])
            call[0] = call[0] or each.id or ""
            if each.function is not None:
                call[1] = call[1] or each.function.name or ""
                call[2] += each.function.arguments or ""

    def calls(self) -> Sequence[ToolCall]:
        """All of them, in their order."""
        return [ToolCall(*self.found[index]) for index in sorted(self.found)]


class OpenAiApi:
    """The models of one server."""

    def __init__(self, name: str, url: str, key: str, *, plain_limit: bool = False, between: float = BETWEEN) -> None:
        self.name = name
        self._url, self._key, self._between = url, key, between
        self._limit = "max_tokens" if plain_limit else "max_completion_tokens"

    @cached_property
    def sdk(self) -> "AsyncOpenAI":
        """The SDK, with retries of its own switched off."""
        import httpx2  # noqa: PLC0415 - with the SDK
        from openai import AsyncOpenAI  # noqa: PLC0415 - takes long to load

        timeout = httpx2.Timeout(connect=CONNECT, read=self._between, write=10.0, pool=CONNECT)
        return AsyncOpenAI(api_key=self._key or "none", base_url=self._url, max_retries=0, timeout=timeout)

    async def write(self, model: str, ask: Ask) -> AsyncIterator[Piece | End]:
        """The answer as it is streamed; the last chunk says what was used."""
        begun, finish, usage, refused = False, None, None, False
        asked = Asked()
        async with judging(lambda: begun):
            stream = await self.sdk.chat.completions.create(**self._asked(model, ask))
            async with stream:
                async for chunk in stream:
                    begun = True
                    usage = chunk.usage or usage
                    for choice in chunk.choices[:1]:
                        finish = choice.finish_reason or finish
                        refused = refused or bool(choice.delta.refusal) or finish == "content_filter"
                        asked.add(choice.delta.tool_calls or ())
                        if choice.delta.content:
                            yield Piece(choice.delta.content)
        if finish is None or usage is None:
            raise Broken("cut_short") if begun else Unanswered("empty_answer")
        whole = finish in {"stop", "tool_calls"}
        yield End(_usage(usage), whole=whole, refused=refused, calls=asked.calls() if whole else ())

    async def embed(self, model: str, texts: Sequence[str]) -> tuple[Sequence[Sequence[float]], Usage]:
        """Vectors of 256 numbers."""
        async with judging():
            made = await self.sdk.embeddings.create(
                model=model, input=list(texts), dimensions=256, encoding_format="float"
            )
        found = sorted(made.data, key=lambda each: each.index)
        return [each.embedding for each in found], Usage(made.usage.prompt_tokens, 0, 0)

    async def judge(self, model: str, texts: Sequence[str]) -> Sequence[Verdict]:
        """By OpenAI's categories."""
        async with judging():
            made = await self.sdk.moderations.create(model=model, input=list(texts))
        return [
            Verdict(
                {name: float(score) for name, score in each.category_scores.model_dump(by_alias=True).items()},
                frozenset(name for name, hit in each.categories.model_dump(by_alias=True).items() if hit),
            )
            for each in made.results
        ]

    async def close(self) -> None:
        """Let go of connections, if any was made."""
        if "sdk" in self.__dict__:
            await self.sdk.close()

    def _asked(self, model: str, ask: Ask) -> dict[str, Any]:
        return request(model, ask, self._limit) | {"stream": True, "stream_options": {"include_usage": True}}


def request(model: str, ask: Ask, limit: str = "max_completion_tokens") -> dict[str, Any]:
    """The body of a request for a text."""
    asked: dict[str, Any] = {
        "model": model,
        "messages": [_message(each) for each in ask.messages],
        limit: ask.most_tokens,
    }
    if ask.shape is not None:
        shape = {"name": ask.shape.name, "strict": True, "schema": dict(ask.shape.schema)}
        asked["response_format"] = {"type": "json_schema", "json_schema": shape}
    if ask.tools:
        asked["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": each.name,
                    "description": each.says,
                    "parameters": dict(each.schema),
                    "strict": True,
                },
            }
            for each in ask.tools
        ]
    return asked


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.answers, "content": message.text}
    if message.calls:
        calls = [
            {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
            for each in message.calls
        ]
        return {"role": message.role, "content": message.text or None, "tool_calls": calls}
    if not message.pictures:
        return {"role": message.role, "content": message.text}
    shown = [
        {
            "type": "image_url",
            "image_url": {
                "url": f"data:{each.media_type};base64,{base64.b64encode(each.content).decode()}",
                "detail": "high",
            },
        }
        for each in message.pictures
    ]
    return {"role": message.role, "content": [{"type": "text", "text": message.text}, *shown]}


def _usage(found: Any) -> Usage:
    details = getattr(found, "prompt_tokens_details", None)
    cached = (getattr(details, "cached_tokens", 0) or 0) if details is not None else 0
    return Usage(found.prompt_tokens, min(cached, found.prompt_tokens), found.completion_tokens)


@asynccontextmanager
async def judging(begun: Any = lambda: False) -> AsyncIterator[None]:
    """Say by our words what a trouble of the SDK proves; its own texts go nowhere, for they may repeat the prompt.

    Only answers that refuse, and connections that were never made, prove that nothing is billed.
    """
    import httpx2  # noqa: PLC0415 - with the SDK
    import openai  # noqa: PLC0415 - takes long to load

    try:
        yield
    except openai.APIConnectionError as trouble:
        if begun():
            raise Broken("connection_lost") from None
        if isinstance(trouble.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
            raise NotAccepted("not_reachable") from None
        raise Unanswered("no_answer") from None
    except openai.APIStatusError as refusal:
        raise judged(refusal.status_code, refusal.code, _after(refusal.response.headers)) from None
    except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError):
        raise (Broken("stream_broke") if begun() else Unanswered("not_understood")) from None


def judged(status: int, code: str | None, retry_after: float) -> Exception:
    """What an answer with this status proves."""
    if status == 429 and code == "insufficient_quota":
        return NotAccepted("provider_quota", 60.0)
    if status in _OVERLOADED:
        return NotAccepted("rate_limited" if status == 429 else "overloaded", retry_after)
    if 400 <= status < 500:
        return NotAccepted(_REFUSALS.get(status, "not_valid"), theirs=status not in {400, 413, 422})
    return Unanswered("provider_failed")


def _after(headers: Any) -> float:
    try:
        return min(max(float(headers.get("retry-after", "0")), 0.0), 300.0)
    except ValueError:
        return 0.0
