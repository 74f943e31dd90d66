from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.meta.refusals import answering
from sandbox.received import Received
from sandbox.webhooks import WebhookSender
from sandbox.whatsapp.access import Access
from sandbox.whatsapp.conversations import Conversations
from sandbox.whatsapp.graph import Graph
from sandbox.whatsapp.media import LOOKASIDE, MediaStore
from sandbox.whatsapp.notifications import RETRIES, Notifier
from sandbox.whatsapp.reviewing import Reviewing
from sandbox.whatsapp.sending import Sending
from sandbox.whatsapp.templates import Templates
from sandbox.whatsapp.uploads import Uploads
from sandbox.whatsapp.watching import Watching
from sandbox.whatsapp.world import World

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
        self._uploads = Uploads(access)
        self._reviewing = Reviewing(self._world, self._templates, self._notifier, self._uploads.knows)
        self._graph = Graph(
            self._world, access, templates=self._templates, media=self._media, reviewing=self._reviewing
        )
        self._sending = Sending(
            self._world, access, self._conversations, templates=self._templates, media=self._media
        )
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: one number, two templates, nobody who writes."""
        self._world.begin()
        self._media.clear()
        self._templates.begin()
        self._reviewing.begin()
        self._uploads.clear()
        self._graph.clear()
        self._conversations.clear()
        self._notifier.reset()

    async def _read_node(self, request: Request) -> Response:
        """An upload session, or anything else by its id."""
        if request.path_params["node"].startswith("upload:"):
            return await self._uploads.read(request)
        return await self._graph.read_node(request)

    async def _post_node(self, request: Request) -> Response:
        """The bytes of an upload, or a change of a template."""
        if request.path_params["node"].startswith("upload:"):
            return await self._uploads.receive(request)
        return await self._graph.edit_template(request)

    def _routes(self) -> APIRouter:
        graph = self._graph
        watching = Watching(
            self._world,
            self._conversations,
            templates=self._templates,
            notifier=self._notifier,
            reviewing=self._reviewing,
        )
        routes = APIRouter()
        for path, endpoint, methods in (
            (f"{GRAPH}/messages", self._sending.send, ["POST"]),
            (f"{GRAPH}/media", graph.upload, ["POST"]),
            (f"{GRAPH}/phone_numbers", graph.phone_numbers, ["GET"]),
            (f"{GRAPH}/message_templates", graph.read_templates, ["GET"]),
            (f"{GRAPH}/message_templates", graph.create_template, ["POST"]),
            (f"{GRAPH}/message_templates", graph.delete_template, ["DELETE"]),
            (f"{GRAPH}/subscribed_apps", graph.subscribed_apps, ["GET", "POST", "DELETE"]),
            ("/whatsapp/graph/{version}/app/uploads", self._uploads.begin, ["POST"]),
            (GRAPH, self._read_node, ["GET"]),
            (GRAPH, self._post_node, ["POST"]),
            (GRAPH, graph.delete_node, ["DELETE"]),
            (LOOKASIDE, graph.download, ["GET"]),
            ("/whatsapp/graph/{rest:path}", graph.unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        routes.include_router(watching.routes())
        return routes
