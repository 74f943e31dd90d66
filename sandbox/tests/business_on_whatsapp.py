"""A business that speaks to the Cloud API, as tests need it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from .hook import Delivered

NUMBER = "100000000000001"
ACCOUNT = "200000000000001"
ANNA = "16505551234"
GRAPH = "/whatsapp/graph/v23.0"
CONTROL = "/whatsapp/control"
BEARER = {"Authorization": "Bearer sandbox-whatsapp-token"}


def text(body: str = "Hello", to: Any = ANNA, **other: Any) -> dict[str, Any]:
    """A text message."""
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}, **other}


def message(kind: str, content: Any, **other: Any) -> dict[str, Any]:
    """A message of any type."""
    return {"messaging_product": "whatsapp", "to": ANNA, "type": kind, kind: content, **other}


def values(delivered: Iterable[Delivered]) -> list[dict[str, Any]]:
    """What all webhooks carried, in order."""
    return [change["value"] for one in delivered for entry in one.json["entry"] for change in entry["changes"]]


def statuses(delivered: Iterable[Delivered]) -> list[dict[str, Any]]:
    """All statuses, in the order in which they came."""
    return [status for value in values(delivered) for status in value.get("statuses", [])]


def messages(delivered: Iterable[Delivered]) -> list[dict[str, Any]]:
    """All messages, in the order in which they came."""
    return [one for value in values(delivered) for one in value.get("messages", [])]


@dataclass
class Business:
    """Sends from the first number; plays the people through control."""

    http: httpx.AsyncClient

    async def send(self, body: Any, number: str = NUMBER) -> httpx.Response:
        return await self.http.post(f"{GRAPH}/{number}/messages", json=body, headers=BEARER)

    async def sent(self, body: Any) -> str:
        response = await self.send(body)
        assert response.status_code == 200, response.text
        id_: str = response.json()["messages"][0]["id"]
        return id_

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.http.get(f"{GRAPH}/{path}", params=query, headers=BEARER)

    async def number(self, **settings: Any) -> None:
        (await self.http.post(f"{CONTROL}/numbers", json=settings)).raise_for_status()

    async def person(self, **settings: Any) -> None:
        person = {"wa_id": ANNA, "name": "Anna", "window_open": True} | settings
        created = await self.http.post(f"{CONTROL}/people", json=person)
        assert created.status_code == 201, created.text

    async def say(self, person: str = ANNA, **said: Any) -> dict[str, Any]:
        response = await self.http.post(f"{CONTROL}/people/{person}/say", json=said)
        assert response.status_code == 201, response.text
        told: dict[str, Any] = response.json()["message"]
        return told

    async def reached(self, **query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.http.get(f"{CONTROL}/messages", params=query)).json()["items"]
        return items


def code(response: httpx.Response) -> int:
    """The code of an error of Meta's."""
    error = response.json()["error"]
    assert {"message", "type", "code", "fbtrace_id"} <= set(error)
    found: int = error["code"]
    return found
