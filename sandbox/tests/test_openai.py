"""OpenAI as the official SDK meets it, and every answer beside the official specification."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import openai
import orjson
import pytest
from jsonschema import Draft202012Validator

from sandbox.openai.member import SECRET

from .conftest import Program
from .listening import Handler

SHAPES: Final = json.loads(Path(__file__).with_name("openai_shapes.json").read_text("utf-8"))
CHAT: Final[Any] = [{"role": "user", "content": "Say something."}]
SHAPE: Final[Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "caption",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "Language: de. At most 120 characters."},
                "mood": {"type": "string", "enum": ["calm", "loud"]},
            },
            "required": ["text", "mood"],
            "additionalProperties": False,
        },
    },
}


def is_a(name: str, document: Any) -> None:
    """Whether a document is what the specification says."""
    schema = {"$ref": f"#/schemas/{name}", "schemas": SHAPES["schemas"]}
    errors = [
        f"{'/'.join(map(str, each.path))}: {each.message}"
        for each in Draft202012Validator(schema).iter_errors(document)
    ]
    assert not errors, errors[:5]


@pytest.fixture
async def http(program: Program) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=program.http_url, headers={"authorization": "Bearer sk-sandbox"}, timeout=30
    ) as client:
        (await client.post("/control/reset")).raise_for_status()
        yield client


@pytest.fixture
async def sdk(program: Program, http: httpx.AsyncClient) -> AsyncIterator[openai.AsyncOpenAI]:
    _ = http
    async with openai.AsyncOpenAI(
        api_key="sk-sandbox", base_url=f"{program.http_url}/openai/v1", max_retries=0, timeout=10
    ) as client:
        yield client


async def ask(http: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await http.post(f"/openai/v1{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def play(http: httpx.AsyncClient, kind: str, **more: Any) -> None:
    answer = await http.put("/openai/control/scenario", json={"kind": kind, **more})
    assert answer.status_code == 200, answer.text


async def test_every_answer_is_what_the_specification_says(http: httpx.AsyncClient) -> None:
    chat = {"model": "gpt-5.4-mini", "messages": CHAT}
    is_a("CreateChatCompletionResponse", await ask(http, "/chat/completions", chat))
    is_a("CreateChatCompletionResponse", await ask(http, "/chat/completions", chat | {"response_format": SHAPE}))
    answer = await ask(http, "/responses", {"model": "gpt-5.4-mini", "input": "Say something."})
    is_a("Response", answer)
    for item in answer["output"]:
        is_a("OutputMessage", item)
    is_a("CreateEmbeddingResponse", await ask(http, "/embeddings", {"model": "text-embedding-3-small", "input": "a"}))
    is_a("CreateModerationResponse", await ask(http, "/moderations", {"input": ["hello", "kill them"]}))
    for model in (await http.get("/openai/v1/models")).json()["data"]:
        is_a("Model", model)
    streamed = await http.post(
        "/openai/v1/chat/completions", json=chat | {"stream": True, "stream_options": {"include_usage": True}}
    )
    lines = [line.removeprefix("data: ") for line in streamed.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    for line in lines:
        is_a("CreateChatCompletionStreamResponse", orjson.loads(line))
    assert orjson.loads(lines[-1])["usage"]["completion_tokens"] > 0
    for status, body in ((404, {"model": "gpt-9", "messages": CHAT}), (400, {"model": "gpt-5.4"})):
        refused = await http.post("/openai/v1/chat/completions", json=body)
        assert refused.status_code == status
        is_a("ErrorResponse", refused.json())


async def test_texts_are_the_same_each_time_and_keep_to_shape_language_and_length(sdk: openai.AsyncOpenAI) -> None:
    said = set()
    for _ in range(2):
        made = await sdk.chat.completions.create(model="gpt-5.4-mini", messages=CHAT, response_format=SHAPE)
        said.add(made.choices[0].message.content)
    (text,) = said
    found = json.loads(text or "")
    assert found["mood"] in {"calm", "loud"}
    assert 0 < len(found["text"]) <= 120
    assert {"wir", "was", "euch"} & {word.strip(",.").casefold() for word in found["text"].split()}


async def test_an_answer_is_cut_at_the_most_tokens_and_says_so(sdk: openai.AsyncOpenAI) -> None:
    made = await sdk.chat.completions.create(model="gpt-5.4", messages=CHAT, max_completion_tokens=5)
    assert made.choices[0].finish_reason == "length"
    assert made.usage is not None
    assert made.usage.completion_tokens <= 5


async def test_a_response_is_streamed_with_numbers_in_their_order(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.responses.create(model="gpt-5.4-mini", input="Say something.", stream=True)
    events: list[Any] = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("rate_limited", openai.RateLimitError, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, "insufficient_quota"),
        ("fails", openai.InternalServerError, None),
        ("overloaded", openai.InternalServerError, None),
    ],
)
async def test_refusals_play_as_often_as_they_were_asked_for(
    http: httpx.AsyncClient, sdk: openai.AsyncOpenAI, kind: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    await play(http, kind, times=1)
    with pytest.raises(error) as refused:
        await sdk.chat.completions.create(model="gpt-5.4", messages=CHAT)
    assert refused.value.code == code
    await sdk.chat.completions.create(model="gpt-5.4", messages=CHAT)


@pytest.mark.parametrize("kind", ["dies_midway", "error_midway"])
async def test_a_stream_dies_midway(http: httpx.AsyncClient, sdk: openai.AsyncOpenAI, kind: str) -> None:
    await play(http, kind)
    came = ""
    with pytest.raises(Exception) as broke:
        async for chunk in await sdk.chat.completions.create(model="gpt-5.4", messages=CHAT, stream=True):
            came += chunk.choices[0].delta.content or ""
    assert came
    assert not isinstance(broke.value, openai.APIStatusError)


async def test_a_batch_goes_through_its_life_and_its_answers_are_fetched_as_a_file(
    http: httpx.AsyncClient, sdk: openai.AsyncOpenAI
) -> None:
    lines = [
        {
            "custom_id": name,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "gpt-5.4-mini" if name != "c" else "gpt-9", "messages": CHAT},
        }
        for name in "abc"
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = await sdk.files.create(file=("in.jsonl", content), purpose="batch")
    is_a("OpenAIFile", (await http.get(f"/openai/v1/files/{file.id}")).json())
    batch = await sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    seen = []
    while batch.status != "completed":
        batch = await sdk.batches.retrieve(batch.id)
        is_a("Batch", (await http.get("/openai/v1/batches")).json()["data"][0])
        seen.append(batch.status)
    assert seen == ["validating", "in_progress", "finalizing", "completed"]
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 1)
    out = (await sdk.files.content(batch.output_file_id or "")).text
    assert {json.loads(line)["custom_id"] for line in out.splitlines()} == {"a", "b"}
    wrong = (await sdk.files.content(batch.error_file_id or "")).text
    assert json.loads(wrong)["response"]["status_code"] == 404


async def test_an_expired_batch_keeps_what_was_done(http: httpx.AsyncClient, sdk: openai.AsyncOpenAI) -> None:
    lines = [
        {"custom_id": str(n), "url": "/v1/chat/completions", "body": {"model": "gpt-5.4", "messages": CHAT}}
        for n in range(4)
    ]
    file = await sdk.files.create(file=("in.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
    batch = await sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert (await http.post(f"/openai/control/batches/{batch.id}/expire")).status_code == 204
    batch = await sdk.batches.retrieve(batch.id)
    assert batch.status == "expired"
    out = (await sdk.files.content(batch.output_file_id or "")).text.splitlines()
    wrong = (await sdk.files.content(batch.error_file_id or "")).text.splitlines()
    assert len(out) == 2
    assert {json.loads(line)["error"]["code"] for line in wrong} == {"batch_expired"}


async def test_moderation_flags_what_it_should(sdk: openai.AsyncOpenAI) -> None:
    made = await sdk.moderations.create(input=["a nice day", "kill them all"])
    assert [each.flagged for each in made.results] == [False, True]
    assert made.results[1].categories.violence


async def test_many_ask_at_once(sdk: openai.AsyncOpenAI) -> None:
    asked = (sdk.chat.completions.create(model="gpt-5.4-mini", messages=CHAT) for _ in range(20))
    assert len({each.choices[0].message.content for each in await asyncio.gather(*asked)}) == 1


TOOL: Final[Any] = {
    "type": "function",
    "function": {
        "name": "find_posts",
        "parameters": {
            "type": "object",
            "properties": {"contains": {"type": "string"}},
            "required": ["contains"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
CALL: Final[Any] = {"name": "find_posts", "arguments": {"contains": "a word that is long enough for two pieces"}}


async def test_a_script_asks_for_tools_whole_and_streamed_and_wants_them_answered(
    http: httpx.AsyncClient, sdk: openai.AsyncOpenAI
) -> None:
    await play(
        http, "script", steps=[{"calls": [CALL]}, {"text": "Let me see.", "calls": [CALL, CALL]}, {"text": "So."}]
    )
    asked = {"model": "gpt-5.4-mini", "messages": CHAT, "tools": [TOOL]}
    whole = await ask(http, "/chat/completions", asked)
    is_a("CreateChatCompletionResponse", whole)
    assert whole["choices"][0]["finish_reason"] == "tool_calls"
    (call,) = whole["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == CALL["arguments"]
    streamed = await http.post("/openai/v1/chat/completions", json=asked | {"stream": True})
    chunks = [orjson.loads(line.removeprefix("data: ")) for line in streamed.text.split("\n\n")[:-2]]
    pieces = [piece for chunk in chunks for piece in chunk["choices"][0]["delta"].get("tool_calls", [])]
    for chunk in chunks:
        is_a("CreateChatCompletionStreamResponse", chunk)
    assert {each["index"] for each in pieces} == {0, 1}
    said = "".join(each["function"]["arguments"] for each in pieces if each["index"] == 1)
    assert json.loads(said) == CALL["arguments"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    answered = [
        *CHAT,
        whole["choices"][0]["message"],
        {"role": "tool", "tool_call_id": call["id"], "content": "none"},
    ]
    made = await sdk.chat.completions.create(model="gpt-5.4", messages=answered, tools=[TOOL])
    assert made.choices[0].message.content == "So."
    for wrong in (answered[:-1], [*CHAT, answered[-1]]):
        with pytest.raises(openai.BadRequestError):
            await sdk.chat.completions.create(model="gpt-5.4", messages=wrong)
    loose = {"type": "function", "function": {"name": "x", "strict": True, "parameters": {"type": "object"}}}
    with pytest.raises(openai.BadRequestError):
        await sdk.chat.completions.create(model="gpt-5.4", messages=CHAT, tools=[loose])  # type: ignore[list-item]


async def test_every_event_of_a_streamed_response_and_all_about_files_is_what_the_specification_says(
    http: httpx.AsyncClient, sdk: openai.AsyncOpenAI
) -> None:
    shapes = {
        "response.created": "ResponseCreatedEvent",
        "response.output_text.delta": "ResponseTextDeltaEvent",
        "response.completed": "ResponseCompletedEvent",
    }
    body = {"model": "gpt-5.4-mini", "input": "Say something.", "stream": True}
    streamed = await http.post("/openai/v1/responses", json=body)
    for block in streamed.text.split("\n\n")[:-1]:
        event = orjson.loads(block.partition("data: ")[2])
        is_a(shapes[event["type"]], event)
    file = await sdk.files.create(file=("in.jsonl", b"{}"), purpose="batch")
    is_a("ListFilesResponse", (await http.get("/openai/v1/files")).json())
    is_a("DeleteFileResponse", (await http.delete(f"/openai/v1/files/{file.id}")).json())
    gone = await http.get(f"/openai/v1/files/{file.id}")
    assert gone.status_code == 404
    is_a("ErrorResponse", gone.json())


async def test_answers_say_how_much_more_may_be_asked_and_refusals_when_to_come_again(
    http: httpx.AsyncClient,
) -> None:
    body = {"model": "gpt-5.4-mini", "messages": CHAT}
    answer = await http.post("/openai/v1/chat/completions", json=body)
    for what in ("requests", "tokens"):
        assert int(answer.headers[f"x-ratelimit-limit-{what}"]) >= int(
            answer.headers[f"x-ratelimit-remaining-{what}"]
        )
        assert answer.headers[f"x-ratelimit-reset-{what}"].endswith("s")
    assert answer.headers["x-request-id"]
    await play(http, "rate_limited", times=1)
    refused = await http.post("/openai/v1/chat/completions", json=body)
    assert refused.status_code == 429
    assert float(refused.headers["retry-after"]) > 0
    is_a("ErrorResponse", refused.json())


@pytest.mark.parametrize("end", ["completed", "expired", "cancelled", "failed"])
async def test_the_end_of_a_batch_is_told_by_a_webhook_that_the_official_sdk_believes(
    http: httpx.AsyncClient, sdk: openai.AsyncOpenAI, listen: Callable[[Handler], int], end: str
) -> None:
    told: list[tuple[bytes, bytes]] = []
    heard = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))[15:])
        told.append((head, await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        heard.set()

    url = f"http://127.0.0.1:{listen(hear)}/hook"
    assert (await http.put("/openai/control/webhook", json={"url": url})).status_code == 204
    line = {"custom_id": "a", "url": "/v1/chat/completions", "body": {"model": "gpt-5.4", "messages": CHAT}}
    content = json.dumps(line).encode() if end != "failed" else b"no json"
    file = await sdk.files.create(file=("in.jsonl", content), purpose="batch")
    batch = await sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    if end == "cancelled":
        await sdk.batches.cancel(batch.id)
    if end == "expired":
        await http.post(f"/openai/control/batches/{batch.id}/expire")
    async with asyncio.timeout(30):
        while not heard.is_set():
            batch = await sdk.batches.retrieve(batch.id)
            await asyncio.sleep(0.02)
    ((head, body),) = told
    headers = dict(line.decode().lower().split(": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    raw = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    headers["webhook-signature"] = next(value for name, value in raw.items() if name.lower() == "webhook-signature")
    event = sdk.webhooks.unwrap(body, headers, secret=f"whsec_{SECRET}")
    assert (event.type, event.data.id) == (f"batch.{end}", batch.id)  # type: ignore[union-attr]
    is_a(f"WebhookBatch{end.title()}", json.loads(body))
