"""Questions for texts, in the two forms that there are, and their answers as documents and as streams."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import orjson

from sandbox.json import Object, list_at, write
from sandbox.openai import errors
from sandbox.openai.scenarios import Scenario
from sandbox.openai.tooling import asked_for, check_answers, check_tools, deltas
from sandbox.openai.writing import answer, pieces, random_of, tokens

MODELS = (
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-4.1-mini",
    "text-embedding-3-small",
    "omni-moderation-latest",
)
SCRIPT = {"wrong_language": "今日は新しいお知らせがあります。皆さんのご意見をぜひお聞かせください。"}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, whatever its form."""

    model: str
    read: str
    schema: Object | None
    most: int
    stream: bool
    counted: bool
    """Whether the stream says at its end what was used."""


@dataclass(frozen=True, slots=True)
class Said:
    """The answer: `finish` is stop, length, tool_calls or refusal."""

    text: str
    finish: str
    read: int
    wrote: int
    calls: Sequence[Object] = ()
    """The tools that it asks for, as /chat/completions writes them."""


def chat_question(body: Object) -> Question:
    """The body of /chat/completions."""
    model = _model(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise errors.missing("messages")
    for place, each in enumerate(messages):
        roles = {"system", "developer", "user", "assistant", "tool"}
        if not isinstance(each, dict) or each.get("role") not in roles:
            raise errors.invalid(f"messages[{place}].role", "it is no role.")
    check_tools(body.get("tools"))
    check_answers(messages)
    options = body.get("stream_options")
    return Question(
        model=model,
        read=write([each for each in (messages, body.get("tools"), body.get("response_format")) if each]).decode(),
        schema=_schema(body.get("response_format"), "response_format"),
        most=_most(body, "max_completion_tokens", "max_tokens"),
        stream=body.get("stream") is True,
        counted=isinstance(options, dict) and options.get("include_usage") is True,
    )


def response_question(body: Object) -> Question:
    """The body of /responses."""
    model = _model(body)
    if not body.get("input"):
        raise errors.missing("input")
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    wanted = {"type": "json_schema", "json_schema": form} if isinstance(form, dict) else None
    if isinstance(form, dict) and form.get("type") != "json_schema":
        wanted = None
    read = write([body.get("instructions"), body["input"]]).decode()
    return Question(
        model=model,
        read=read,
        schema=_schema(wanted, "text.format"),
        most=_most(body, "max_output_tokens"),
        stream=body.get("stream") is True,
        counted=True,
    )


def say(question: Question, scenario: Scenario) -> Said:
    """What the model says, as the scenario has it."""
    read = tokens(question.read)
    if scenario.kind == "script":
        step = scenario.steps[0]
        calls = asked_for(step.calls)
        wrote = tokens(step.text + "".join(str(each) for each in calls))
        return Said(step.text, "tool_calls" if calls else "stop", read, min(wrote, max(question.most, 1)), calls)
    random = random_of(question.model, question.read)
    text, whole = answer(question.schema, question.most, random)
    if scenario.kind == "garbage":
        text = '{"texts": [{"text": "an answer that is no JSON'
    elif scenario.kind == "too_long":
        text = _stretched(text)
    elif scenario.kind == "says":
        text = scenario.text
    elif scenario.kind == "wrong_language":
        text = _replaced(text, SCRIPT["wrong_language"])
    elif scenario.kind == "empty":
        text = ""
    elif scenario.kind == "refuses":
        return Said("I'm sorry, but I can't help with that.", "refusal", read, 10)
    return Said(text, "stop" if whole else "length", read, min(tokens(text), max(question.most, 1)))


def _stretched(text: str) -> str:
    """The same shape, with texts of ten thousand letters and more."""
    return _replaced(text, "This goes on and on. " * 600)


def _replaced(text: str, by: str) -> str:
    def change(value: object) -> object:
        if isinstance(value, dict):
            return {name: change(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [change(inner) for inner in value]
        return by if isinstance(value, str) and not value.startswith("#") else value

    try:
        return orjson.dumps(change(orjson.loads(text))).decode()
    except orjson.JSONDecodeError:
        return by


def completion(question: Question, said: Said) -> Object:
    """The answer of /chat/completions in one piece."""
    refused = said.finish == "refusal"
    message: Object = {
        "role": "assistant",
        "content": None if refused else said.text,
        "refusal": said.text if refused else None,
        "annotations": [],
    }
    if said.calls:
        message |= {"tool_calls": list(said.calls), "content": said.text or None}
    choice: Object = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": "stop" if refused else said.finish,
    }
    return _head("chat.completion", question) | {"choices": [choice], "usage": usage(said)}


def chunks(question: Question, said: Said) -> Iterator[Object]:
    """The answer of /chat/completions as it is streamed."""
    head = _head("chat.completion.chunk", question)
    yield head | {"choices": [_delta({"role": "assistant", "content": "", "refusal": None})]}
    name = "refusal" if said.finish == "refusal" else "content"
    for piece in pieces(said.text):
        yield head | {"choices": [_delta({name: piece})]}
    for delta in deltas(said.calls):
        yield head | {"choices": [_delta(delta)]}
    yield head | {"choices": [_delta({}, "stop" if said.finish == "refusal" else said.finish)]}
    if question.counted:
        yield head | {"choices": [], "usage": usage(said)}


def response(question: Question, said: Said, status: str = "completed") -> Object:
    """The answer of /responses."""
    kind = "refusal" if said.finish == "refusal" else "output_text"
    part: Object = {"type": kind, "refusal" if kind == "refusal" else "text": said.text}
    if kind == "output_text":
        part |= {"annotations": [], "logprobs": []}
    message: Object = {
        "id": f"msg_{uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [part],
    }
    cut = said.finish == "length"
    return {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if cut else status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": None,
        "metadata": {},
        "model": question.model,
        "output": [message] if status != "in_progress" else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": said.read,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": said.wrote,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": said.read + said.wrote,
        },
    }


def response_events(question: Question, said: Said) -> Iterator[Object]:
    """The answer of /responses as it is streamed, each event with its number."""
    done = response(question, said)
    begun = {name: value for name, value in done.items() if name != "usage"}
    begun |= {"status": "in_progress", "output": [], "incomplete_details": None}
    item = list_at(done, "output")[0]
    item_id = item.get("id") if isinstance(item, dict) else ""
    events: list[Object] = [{"type": "response.created", "response": begun}]
    events += [
        {
            "type": "response.output_text.delta",
            "item_id": item_id,
            "output_index": 0,
            "content_index": 0,
            "delta": piece,
            "logprobs": [],
        }
        for piece in pieces(said.text)
    ]
    ending = "response.incomplete" if said.finish == "length" else "response.completed"
    events.append({"type": ending, "response": done})
    for number, event in enumerate(events):
        yield event | {"sequence_number": number}


def usage(said: Said) -> Object:
    """What was used, as /chat/completions says it."""
    return {
        "prompt_tokens": said.read,
        "completion_tokens": said.wrote,
        "total_tokens": said.read + said.wrote,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


async def streamed(events: Iterator[Object], scenario: Scenario, *, named: bool) -> AsyncIterator[bytes]:
    """Server-sent events; a scenario may end them midway."""
    for number, event in enumerate(events):
        if number == 4 and scenario.kind == "dies_midway":
            raise ConnectionResetError("the scenario ends here")
        if number == 4 and scenario.kind == "error_midway":
            yield b"data: " + write(errors.failed().body()) + b"\n\n"
            return
        name = b"event: " + str(event["type"]).encode() + b"\n" if named else b""
        yield name + b"data: " + write(event) + b"\n\n"
    if not named:
        yield b"data: [DONE]\n\n"


def _head(kind: str, question: Question) -> Object:
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": question.model,
        "service_tier": "default",
        "system_fingerprint": "fp_sandbox",
    }


def _delta(delta: Object, finish: str | None = None) -> Object:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _model(body: Object) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise errors.missing("model")
    if model not in MODELS:
        raise errors.no_such("model", model)
    return model


def _most(body: Object, *names: str) -> int:
    for name in names:
        most = body.get(name)
        if most is not None:
            if not isinstance(most, int) or isinstance(most, bool) or most < 1:
                raise errors.invalid(name, "expected an integer of at least 1.")
            return most
    return 4096


def _schema(form: object, where: str) -> Object | None:
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return None
    inner = form.get("json_schema")
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise errors.missing(f"{where}.json_schema.name")
    schema = inner.get("schema")
    if not isinstance(schema, dict):
        raise errors.missing(f"{where}.json_schema.schema")
    if inner.get("strict") is True:
        _strict(schema, where)
    return schema


def _strict(schema: Object, where: str) -> None:
    """Strict schemas name every property as required and allow no others."""
    if schema.get("type") == "object":
        properties = schema.get("properties")
        names = list(properties) if isinstance(properties, dict) else []
        required = schema.get("required")
        if schema.get("additionalProperties") is not False:
            raise errors.invalid(where, "'additionalProperties' is required to be supplied and to be false.")
        if not isinstance(required, list) or set(names) != set(map(str, required)):
            raise errors.invalid(where, "'required' is required to be an array including every key in properties.")
        for inner in properties.values() if isinstance(properties, dict) else ():
            if isinstance(inner, dict):
                _strict(inner, where)
    items = schema.get("items")
    if isinstance(items, dict):
        _strict(items, where)
