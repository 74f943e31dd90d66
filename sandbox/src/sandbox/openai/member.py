import asyncio
import base64
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sandbox.doors import ABORT
from sandbox.faults import Door, Faults
from sandbox.json import Object, read_object, write
from sandbox.member import Server
from sandbox.multipart import read_form
from sandbox.openai import errors
from sandbox.openai.batches import Batch, Batches, File, embeddings
from sandbox.openai.judging import judged
from sandbox.openai.models import (
    MODELS,
    Question,
    chat_question,
    chunks,
    completion,
    response,
    response_events,
    response_question,
    say,
    streamed,
)
from sandbox.openai.scenarios import Scenario, Stage
from sandbox.received import Received
from sandbox.webhooks import Webhook, WebhookSender

Endpoint = Callable[[Request], Awaitable[Response]]
SECRET: Final = base64.b64encode(b"sandbox-openai-webhook-secret").decode()
"""What webhooks are signed with, after `whsec_`; the same at each start, for it protects nothing."""

BASE: Final = "/openai/v1"


class HookIn(BaseModel):
    """Where to send webhooks; an empty address sends none."""

    url: Annotated[str, Field(pattern=r"^(https?://.*)?$", max_length=2000)] = ""


class Standing(BaseModel):
    """Whether batches stand still."""

    still: bool = True


class OpenAi:
    """OpenAI's API: texts, vectors, moderation, files, batches and webhooks."""

    name = "openai"
    about = "OpenAI: chat, responses, embeddings, moderation, files, batches, and webhooks about them."
    door: Door = "http"
    doors: Sequence[str] = (BASE,)
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self.webhooks = WebhookSender(_sign, self.faults)
        self.reset()
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: no file, no batch, and all goes well."""
        self._stage, self._batches, self._hook = Stage(), Batches(), ""

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        for path, endpoint, methods in (
            ("/chat/completions", self._chat, ["POST"]),
            ("/responses", self._respond, ["POST"]),
            ("/embeddings", self._embed, ["POST"]),
            ("/moderations", self._judge, ["POST"]),
            ("/models", self._models, ["GET"]),
            ("/models/{model}", self._model, ["GET"]),
            ("/files", self._upload, ["POST"]),
            ("/files", self._files, ["GET"]),
            ("/files/{file_id}", self._file, ["GET"]),
            ("/files/{file_id}", self._delete, ["DELETE"]),
            ("/files/{file_id}/content", self._content, ["GET"]),
            ("/batches", self._begin, ["POST"]),
            ("/batches", self._list, ["GET"]),
            ("/batches/{batch_id}", self._batch, ["GET"]),
            ("/batches/{batch_id}/cancel", self._cancel, ["POST"]),
            ("/{rest:path}", self._unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(BASE + path, _answering(endpoint), methods=methods)
        add = routes.add_api_route
        add("/openai/control/scenario", self.read_scenario, methods=["GET"])
        add("/openai/control/scenario", self.put_scenario, methods=["PUT"])
        add("/openai/control/batches", self.put_batches, methods=["PUT"], status_code=204)
        add("/openai/control/batches/{batch_id}/expire", self.expire, methods=["POST"], status_code=204)
        add("/openai/control/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        return routes

    async def read_scenario(self) -> Scenario:
        """What plays."""
        return self._stage.scenario

    async def put_scenario(self, scenario: Scenario) -> Scenario:
        """Play this from now on."""
        self._stage.begin(scenario)
        return scenario

    async def put_batches(self, standing: Standing) -> None:
        """Let batches stand still, or go on each time they are looked at."""
        self._batches.still = standing.still

    async def expire(self, batch_id: str) -> None:
        """Let a batch's time be over when half of it is done."""
        batch = self._batches.batch(batch_id)
        self._batches.expire(batch, Scenario())
        self._tell(batch)

    async def put_webhook(self, hook: HookIn) -> None:
        """Send webhooks there from now on."""
        self._hook = hook.url

    async def _chat(self, request: Request) -> Response:
        question = chat_question(await _entered(request))
        scenario = await self._begun(question)
        said = say(question, scenario)
        if not question.stream:
            return _json(completion(question, said))
        return _stream(request, chunks(question, said), scenario, named=False)

    async def _respond(self, request: Request) -> Response:
        question = response_question(await _entered(request))
        scenario = await self._begun(question)
        said = say(question, scenario)
        if not question.stream:
            return _json(response(question, said))
        return _stream(request, response_events(question, said), scenario, named=True)

    async def _begun(self, question: Question) -> Scenario:
        """The scenario of this question; some are over before it is answered."""
        scenario = self._stage.next(question.model)
        refusals = {
            "rate_limited": errors.too_many,
            "quota": errors.quota,
            "fails": errors.failed,
            "overloaded": errors.overloaded,
        }
        if scenario.kind in refusals:
            refusal = refusals[scenario.kind]()
            raise refusal
        if scenario.kind == "slow":
            await asyncio.sleep(scenario.seconds)
        return scenario

    async def _embed(self, request: Request) -> Response:
        return _json(embeddings(await _entered(request)))

    async def _judge(self, request: Request) -> Response:
        return _json(judged(await _entered(request)))

    async def _models(self, request: Request) -> Response:
        _enter(request)
        return _json({"object": "list", "data": [_model(each) for each in MODELS]})

    async def _model(self, request: Request) -> Response:
        _enter(request)
        name = request.path_params["model"]
        if name not in MODELS:
            raise errors.no_such("model", name)
        return _json(_model(name))

    async def _upload(self, request: Request) -> Response:
        _enter(request)
        form = read_form(request.headers.get("content-type", ""), await request.body())
        if "file" not in form or "purpose" not in form:
            raise errors.missing("file" if "file" not in form else "purpose")
        file = File(form["file"].filename or "upload", form["purpose"].text, form["file"].content)
        return _json(self._batches.keep(file).shown())

    async def _files(self, request: Request) -> Response:
        _enter(request)
        return _json(_listed([each.shown() for each in self._batches.files.all()]))

    async def _file(self, request: Request) -> Response:
        _enter(request)
        return _json(self._batches.file(request.path_params["file_id"]).shown())

    async def _delete(self, request: Request) -> Response:
        _enter(request)
        file = self._batches.file(request.path_params["file_id"])
        self._batches.files.take(file.id)
        return _json({"id": file.id, "object": "file", "deleted": True})

    async def _content(self, request: Request) -> Response:
        _enter(request)
        file = self._batches.file(request.path_params["file_id"])
        return Response(file.content, media_type="application/octet-stream")

    async def _begin(self, request: Request) -> Response:
        return _json(self._batches.create(await _entered(request)).shown())

    async def _list(self, request: Request) -> Response:
        _enter(request)
        return _json(_listed([each.shown() for each in reversed(self._batches.batches.all())]))

    async def _batch(self, request: Request) -> Response:
        _enter(request)
        batch = self._batches.batch(request.path_params["batch_id"])
        shown = batch.shown()
        if self._batches.step(batch, self._stage.scenario):
            self._tell(batch)
        return _json(shown)

    async def _cancel(self, request: Request) -> Response:
        _enter(request)
        batch = self._batches.batch(request.path_params["batch_id"])
        self._batches.cancel(batch)
        return _json(batch.shown())

    async def _unknown(self, request: Request) -> Response:
        _enter(request)
        raise errors.Refusal(404, f"Invalid URL ({request.method} {request.url.path})")

    def _tell(self, batch: Batch) -> None:
        """Send a webhook about the end of a batch; it says its id and no more."""
        if not self._hook:
            return
        event: Object = {
            "id": f"evt_{uuid4().hex}",
            "object": "event",
            "created_at": int(time.time()),
            "type": f"batch.{batch.status}",
            "data": {"id": batch.id},
        }
        self.webhooks.send(self._hook, Webhook(str(event["type"]), write(event), id=f"wh_{uuid4().hex}"))


def _sign(webhook: Webhook, at: datetime) -> Mapping[str, str]:
    """Standard Webhooks: the id, the time and the bytes, by HMAC-SHA256."""
    moment = str(int(at.timestamp()))
    signed = f"{webhook.id}.{moment}.".encode() + webhook.body
    signature = base64.b64encode(hmac.digest(base64.b64decode(SECRET), signed, "sha256")).decode()
    return {
        "content-type": "application/json",
        "webhook-id": webhook.id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
        "user-agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)",
    }


def _enter(request: Request) -> None:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.startswith("sk-"):
        raise errors.no_key()


async def _entered(request: Request) -> Object:
    _enter(request)
    body = read_object(await request.body())
    if body is None:
        raise errors.Refusal(400, "We could not parse the JSON body of your request.")
    return body


def _stream(request: Request, events: Iterator[Object], scenario: Scenario, *, named: bool) -> Response:
    async def body() -> AsyncIterator[bytes]:
        try:
            async for event in streamed(events, scenario, named=named):
                yield event
        except ConnectionResetError:
            request.scope["extensions"][ABORT]["abort"]()

    return StreamingResponse(body(), media_type="text/event-stream", headers=_headers())


def _json(document: object) -> Response:
    return Response(write(document), media_type="application/json", headers=_headers())


def _headers() -> dict[str, str]:
    return {
        "x-request-id": f"req_{uuid4().hex}",
        "openai-processing-ms": "12",
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-remaining-tokens": "1999000",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": "30ms",
    }


def _model(name: str) -> Object:
    return {"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "system"}


def _listed(found: list[Object]) -> Object:
    first, last = (found[0]["id"], found[-1]["id"]) if found else (None, None)
    return {"object": "list", "data": found, "first_id": first, "last_id": last, "has_more": False}


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with a refusal answered in OpenAI's way."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except errors.Refusal as refusal:
            return refusal.answer()

    return answer
