"""Somebody who talks with the assistant, whose model says what a test has written for it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from kit.testing.programs import eventually

from .story import Story

Step = str | tuple[str, dict[str, Any] | str]
"""What the model says to one question: a text, or a tool with its arguments."""


@dataclass
class Talk:
    """One conversation."""

    story: Story
    client: httpx.AsyncClient
    openai: httpx.AsyncClient
    conversation: dict[str, Any] = field(default_factory=dict)

    async def begin(self, persona: str = "generalist") -> "Talk":
        answer = await self.client.post("/v1/assistant/conversations", json={"persona": persona})
        assert answer.status_code == 201, answer.text
        self.conversation = answer.json()
        return self

    @property
    def path(self) -> str:
        return f"/v1/assistant/conversations/{self.conversation['id']}"

    async def play(self, steps: Sequence[Step | Sequence[Step]]) -> None:
        """The model says this, one after the other."""
        told = [_step([step] if isinstance(step, str | tuple) else step) for step in steps]
        scenario = {"kind": "script", "steps": told} if told else {"kind": "none"}
        (await self.openai.put("/openai/control/scenario", json=scenario)).raise_for_status()

    async def say(self, text: str, *steps: Step | Sequence[Step], **more: Any) -> dict[str, Any]:
        """Say something, and read the turn once it has ended."""
        await self.play(steps)
        answer = await self.client.post(f"{self.path}/turns", json={"text": text} | more)
        assert answer.status_code == 202, answer.text
        return await self.ended(answer.json())

    async def ended(self, turn: dict[str, Any]) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        async def there() -> bool:
            seen.update((await self.client.get(f"{self.path}/turns/{turn['id']}")).json())
            return bool(seen["state"] != "running")

        await eventually(there, within=60)
        return seen

    async def decide(self, action: dict[str, Any], decision: str = "confirm") -> httpx.Response:
        return await self.client.post(f"/v1/assistant/actions/{action['id']}/decision", json={"decision": decision})

    async def asked_of_the_model(self) -> list[dict[str, Any]]:
        """What the model was asked for texts, the first first."""
        found = (await self.openai.get("/control/openai/received", params={"limit": 100})).json()["items"]
        return [json.loads(each["body"]) for each in reversed(found) if each["path"].endswith("/chat/completions")]


def _step(said: Sequence[Step]) -> dict[str, Any]:
    text = "".join(each for each in said if isinstance(each, str))
    calls = [{"name": each[0], "arguments": each[1]} for each in said if not isinstance(each, str)]
    return {"text": text, "calls": calls}


def events(answer: httpx.Response) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream: number, name, data."""
    found = []
    for block in answer.text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


async def signed(client: httpx.AsyncClient) -> bytes:
    """The claims of a token of this client, as they stand in it."""
    auth = client.auth
    assert auth is not None
    request = next(auth.auth_flow(httpx.Request("GET", "http://x.test")))
    return request.headers["authorization"].removeprefix("Bearer ").split(".")[1].encode() + b"=="
