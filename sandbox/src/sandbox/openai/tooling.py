"""Tools: what may be offered to a model, what it asks for, and that each of its calls is answered."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import uuid4

from sandbox.json import Object, write
from sandbox.openai import errors
from sandbox.openai.scenarios import CallIn

NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MOST_TOOLS: Final = 128


def check_tools(tools: object) -> None:
    """Refuse tools that OpenAI would not take."""
    if tools is None:
        return
    if not isinstance(tools, list) or len(tools) > MOST_TOOLS:
        raise errors.invalid("tools", "expected an array with at most 128 items.")
    for place, each in enumerate(tools):
        where = f"tools[{place}].function"
        function = each.get("function") if isinstance(each, dict) and each.get("type") == "function" else None
        if not isinstance(function, dict):
            raise errors.missing(where)
        if not isinstance(function.get("name"), str) or not NAME.fullmatch(str(function["name"])):
            raise errors.invalid(f"{where}.name", "expected a string that matches '^[a-zA-Z0-9_-]+$'.")
        parameters = function.get("parameters")
        if function.get("strict") is True and isinstance(parameters, dict):
            _check_strict(parameters, f"{where}.parameters")


def check_answers(messages: list[object]) -> None:
    """Refuse calls that are not answered at once, and answers to calls that nobody made."""
    open_calls: set[str] = set()
    for place, each in enumerate(messages):
        message = each if isinstance(each, dict) else {}
        if message.get("role") == "tool":
            name = str(message.get("tool_call_id"))
            if name not in open_calls:
                raise errors.invalid(
                    f"messages[{place}].role",
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
                )
            open_calls.discard(name)
            continue
        if open_calls:
            break
        calls = message.get("tool_calls")
        open_calls = (
            {str(call.get("id")) for call in calls if isinstance(call, dict)} if isinstance(calls, list) else set()
        )
    if open_calls:
        raise errors.invalid(
            "messages",
            "an assistant message with 'tool_calls' must be followed by tool messages responding to each id.",
        )


def asked_for(calls: Sequence[CallIn]) -> list[Object]:
    """Calls as /chat/completions writes them."""
    return [
        {
            "id": f"call_{uuid4().hex[:24]}",
            "type": "function",
            "function": {
                "name": each.name,
                "arguments": each.arguments if isinstance(each.arguments, str) else write(each.arguments).decode(),
            },
        }
        for each in calls
    ]


def deltas(calls: Sequence[Object]) -> Iterator[Object]:
    """Calls as they are streamed: each begins with id and name, and its arguments come in pieces."""
    for index, call in enumerate(calls):
        function = call["function"]
        name, arguments = (function["name"], str(function["arguments"])) if isinstance(function, dict) else ("", "")
        first: Object = {"index": index, "id": call["id"], "type": "function"}
        yield {"tool_calls": [first | {"function": {"name": name, "arguments": ""}}]}
        for start in range(0, len(arguments), 20):
            piece: Object = {"index": index, "function": {"arguments": arguments[start : start + 20]}}
            yield {"tool_calls": [piece]}


def _check_strict(schema: Object, where: str) -> None:
    properties, required = schema.get("properties"), schema.get("required")
    names = set(properties) if isinstance(properties, dict) else set()
    if schema.get("additionalProperties") is not False:
        raise errors.invalid(where, "'additionalProperties' is required to be supplied and to be false.")
    if not isinstance(required, list) or names != set(map(str, required)):
        raise errors.invalid(where, "'required' is required to be an array including every key in properties.")
