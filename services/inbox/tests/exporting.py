"""Files of contacts, from asking for one to having it."""

import csv
import io
from typing import Any

import httpx

from .house import House
from .test_imports import work


async def begun(house: House, **wanted: Any) -> dict[str, Any]:
    answer = await house.ask("POST", "/v1/contact-exports", json=wanted)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def exported(house: House, **wanted: Any) -> str:
    """A file of contacts that is written to its end; its id."""
    export = await begun(house, **wanted)
    await work(house)
    shown = await house.get(f"/v1/contact-exports/{export['id']}")
    assert shown["state"] == "finished", shown
    return str(export["id"])


async def address(house: House, export_id: str) -> str:
    answer = await house.ask("POST", f"/v1/contact-exports/{export_id}/address")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["path"])


async def downloaded(house: House, export_id: str) -> httpx.Response:
    """The file, as a browser without any token has it."""
    answer = await house.client.get(await address(house, export_id))
    assert answer.status_code == 200, answer.text
    return answer


async def lines(house: House, export_id: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO((await downloaded(house, export_id)).text, newline="")))
