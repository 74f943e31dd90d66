"""No call makes the sandbox's Stripe fail, whatever fitting parameters it brings, in whatever order."""

import random
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from stripe._encode import _api_encode

from sandbox.app import create_app
from sandbox.stripe import Stripe
from sandbox.stripe.member import all_operations
from sandbox.stripe.operations import Operation
from sandbox.stripe.params import Choice, Either, Flag, Hash, Integer, List, Map, Metadata, Number, Shape

HEADERS = {"authorization": "Bearer sk_test_sandbox", "content-type": "application/x-www-form-urlencoded"}
TEXTS = ("eur", "usd", "x", "a@b.c", "https://a.b/c", "pm_card_visa", "pm_card_createDispute", "tok_visa", "")
NUMBERS = (0, 1, 2, 12, 100, 5_000, 4_000_000_000)


class Caller:
    """Makes up calls: ids it has seen, and parameters of the shapes that each operation has."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ids: list[str] = ["nope"]

    def value(self, shape: Shape) -> Any:
        if isinstance(shape, Hash):
            return self.fields(shape.fields)
        if isinstance(shape, Either):
            return self.value(self.random.choice(shape.shapes))
        if isinstance(shape, List):
            return [self.value(shape.of)]
        if isinstance(shape, Map):
            return {"eur": self.value(shape.of)}
        return {"a": self.random.choice(["", "b"])} if isinstance(shape, Metadata) else self.plain(shape)

    def plain(self, shape: Shape) -> str:
        """A value without parts."""
        if isinstance(shape, Choice):
            return self.random.choice(shape.words)
        if isinstance(shape, Flag):
            return self.random.choice(["true", "false"])
        if isinstance(shape, Integer | Number):
            return str(self.random.choice(NUMBERS))
        return self.random.choice(self.ids if self.random.random() < 0.6 else TEXTS)

    def fields(self, shapes: Any) -> dict[str, Any]:
        """All that must be there, and of the rest a few."""
        share = self.random.choice([0.0, 2.0, 4.0]) / max(1, len(shapes))
        chosen = {name: one for name, one in shapes.items() if one.required or self.random.random() < share}
        return {name: self.value(one) for name, one in chosen.items()}

    async def call(self, http: httpx.AsyncClient, operation: Operation) -> httpx.Response:
        path = "/stripe" + "/".join(
            self.random.choice(self.ids) if step == "{}" else step for step in operation.path.split("/")
        )
        form = urlencode(list(_api_encode(self.fields(operation.params))))
        if operation.method == "POST":
            return await http.post(path, content=form, headers=HEADERS)
        return await http.request(operation.method, f"{path}?{form}", headers=HEADERS)

    def learn(self, document: Any) -> None:
        """Remember the ids of an answer."""
        if isinstance(document, dict):
            if isinstance(document.get("id"), str):
                self.ids = [*self.ids[-40:], document["id"]]
            for beneath in document.values():
                self.learn(beneath)
        elif isinstance(document, list):
            for beneath in document:
                self.learn(beneath)


@pytest.mark.parametrize("seed", range(3))
async def test_every_call_is_done_or_refused(seed: int) -> None:
    member = Stripe()
    transport = httpx.ASGITransport(app=create_app([member]))
    operations = all_operations()
    caller = Caller(seed)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        await http.put("/stripe/control/account", json={"per_second": None})
        for _ in range(400):
            operation = caller.random.choice(operations)
            answer = await caller.call(http, operation)
            assert answer.status_code in {200, 400, 402, 404}, (operation.method, operation.path, answer.text)
            if operation.method != "DELETE":
                caller.learn(answer.json())
    member.reset()
