from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.received import Received
from sandbox.webhooks import WebhookSender
from sandbox.whatsapp.access import Access
from sandbox.whatsapp.conversations import Conversations
from sandbox.whatsapp.errors import Refusal
from sandbox.whatsapp.graph import Graph
from sandbox.whatsapp.media import LOOKASIDE, MediaStore
from sandbox.whatsapp.notifications import RETRIES, Notifier
from sandbox.whatsapp.sending import Sending
from sandbox.whatsapp.templates import Templates
from sandbox.whatsapp.watching import Watching
from sandbox.whatsapp.world import World

Endpoint = Callable[[Request], Awaitable[Response]]

GRAPH = "/whatsapp/graph/{version}/{node}"


class WhatsApp:
    """Meta's WhatsApp Cloud API, and the people behind it."""

    name = "whatsapp"
    about = "The WhatsApp Cloud API: messages, templates, media, webhooks, and people who write and read."
    door: Door = "http"
    doors: Sequence[str] = ("/whatsapp/graph", "/whatsapp/lookaside")
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._world = World()
        self._media = MediaStore()
        self._templates = Templates()
        self._notifier = Notifier(self._world)
        self.webhooks = WebhookSender(self._notifier.sign, self.faults, retries=RETRIES)
        self._notifier.use(self.webhooks)
        self._conversations = Conversations(self._world, self._media, self._notifier)
        access = Access(self._world)
        self._graph = Graph(self._world, access, templates=self._templates, media=self._media)
        self._sending = Sending(
            self._world, access, self._conversations, templates=self._templates, media=self._media
        )
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: one number, two templates, nobody who writes."""
        self._world.begin()
        self._media.clear()
        self._templates.begin()
        self._graph.clear()
        self._conversations.clear()
        self._notifier.reset()

    def _routes(self) -> APIRouter:
        graph = self._graph
        watching = Watching(self._world, self._conversations, templates=self._templates, notifier=self._notifier)
        routes = APIRouter()
        for path, endpoint, methods in (
            (f"{GRAPH}/messages", self._sending.send, ["POST"]),
            (f"{GRAPH}/media", graph.upload, ["POST"]),
            (f"{GRAPH}/phone_numbers", graph.phone_numbers, ["GET"]),
            (f"{GRAPH}/message_templates", graph.read_templates, ["GET"]),
            (f"{GRAPH}/message_templates", graph.create_template, ["POST"]),
            (f"{GRAPH}/message_templates", graph.delete_template, ["DELETE"]),
            (f"{GRAPH}/subscribed_apps", graph.subscribed_apps, ["GET", "POST", "DELETE"]),
            (GRAPH, graph.read_node, ["GET"]),
            (GRAPH, graph.delete_node, ["DELETE"]),
            (LOOKASIDE, graph.download, ["GET"]),
            ("/whatsapp/graph/{rest:path}", graph.unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        routes.include_router(watching.routes())
        return routes


def answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with a refusal answered in Meta's way."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return refusal.answer()

    return answer
