"""Nodes and edges of the Graph API: numbers, accounts, templates, media."""

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.json import Object, read_object, write
from sandbox.meta.paging import only, page
from sandbox.multipart import read_form
from sandbox.whatsapp import errors
from sandbox.whatsapp.access import Access
from sandbox.whatsapp.media import Media, MediaStore
from sandbox.whatsapp.reviewing import Reviewing
from sandbox.whatsapp.templates import Template, Templates
from sandbox.whatsapp.world import Number, World

_LIMITS = {"portfolio": "whatsapp_business_manager_messaging_limit", "number": "messaging_limit_tier"}


class Graph:
    """All calls but the sending of messages."""

    def __init__(
        self, world: World, access: Access, *, templates: Templates, media: MediaStore, reviewing: Reviewing
    ) -> None:
        self._world = world
        self._access = access
        self._templates = templates
        self._media = media
        self._reviewing = reviewing
        self._subscribed: set[str] = set()

    async def read_node(self, request: Request) -> Response:
        """A number, an account, or where a file can be fetched."""
        node = self._entered(request)
        number, media = self._world.numbers.get(node), self._media.find(node)
        if number is not None:
            for field in _LIMITS.values():
                if field != _LIMITS[number.is_.limit_is_of] and field in request.query_params.get("fields", ""):
                    raise errors.wrong_parameter(f"Tried accessing nonexisting field ({field})")
            return _json(only(request, _number(number)))
        if self._world.has_account(node):
            return _json(only(request, self._described(node)))
        template = self._templates.by_id(node)
        if template is not None:
            return _json(only(request, _template(template)))
        if media is None or request.query_params.get("phone_number_id") not in {None, media.phone_number_id}:
            raise errors.no_object("get", node)
        url = self._media.address(media, str(request.base_url), self._world.app.media_url_seconds)
        return _json({"messaging_product": "whatsapp", "url": url, **_media(media)})

    def _described(self, node: str) -> Object:
        owner = next(one.is_.business_id for one in self._world.numbers.all() if one.is_.waba_id == node)
        return {
            "id": node,
            "name": "Example account",
            "timezone_id": "1",
            "message_template_namespace": node,
            "owner_business_info": {"id": owner, "name": "Example business"},
        }

    async def delete_node(self, request: Request) -> Response:
        """Delete a file."""
        node = self._entered(request)
        if self._media.find(node) is None:
            raise errors.no_object("delete", node)
        self._media.remove(node)
        return _json({"success": True})

    async def upload(self, request: Request) -> Response:
        """Take a file of the business."""
        node = self._entered(request)
        if self._world.numbers.get(node) is None:
            raise errors.no_object("post", node)
        form = read_form(request.headers.get("content-type", ""), await request.body())
        if "messaging_product" not in form or form["messaging_product"].text != "whatsapp":
            raise errors.wrong_parameter("The parameter messaging_product is required.")
        if "file" not in form:
            raise errors.wrong_parameter("The parameter file is required.")
        mime = form["type"].text if "type" in form else form["file"].content_type
        visible_after = request.scope.get(VISIBLE_AFTER, 0.0)
        media = self._media.upload(node, mime, form["file"].content, visible_after=visible_after)
        return _json({"id": media.id})

    async def download(self, request: Request) -> Response:
        """The bytes of a file, for a token and an address that is not too old."""
        self._access.enter(request)
        asked = request.query_params
        media = self._media.fetch(asked.get("mid", ""), asked.get("ext", ""), asked.get("hash", ""))
        if media is None:
            return Response(b"", 404)
        return Response(media.content, media_type=media.mime_type)

    async def phone_numbers(self, request: Request) -> Response:
        """The numbers of an account."""
        node = self._account(request)
        numbers = [_number(one) for one in self._world.numbers.all() if one.is_.waba_id == node]
        return _json(page(request, numbers))

    async def read_templates(self, request: Request) -> Response:
        """The templates of an account, by name, status, language or category."""
        node = self._account(request)
        wanted = {name: request.query_params.get(name) for name in ("name", "status", "language", "category")}
        found = [
            _template(one)
            for one in self._templates.of(node)
            if all(value in {None, getattr(one, name)} for name, value in wanted.items())
        ]
        return _json(page(request, found))

    async def create_template(self, request: Request) -> Response:
        """Ask for a template; it is pending until somebody decides."""
        node = self._account(request)
        asked = {**(read_object(await request.body()) or {}), "waba_id": node, "status": "PENDING"}
        asked.pop("id", None)
        try:
            template = Template.model_validate(asked)
        except ValidationError as wrong:
            raise errors.wrong_parameter(f"Invalid parameter: {wrong.errors()[0]['loc']}") from wrong
        kept = self._reviewing.create(node, template)
        return _json({"id": kept.id, "status": kept.status, "category": kept.category})

    async def edit_template(self, request: Request) -> Response:
        """Change a template; it is reviewed again."""
        node = self._entered(request)
        template = self._templates.by_id(node)
        if template is None:
            raise errors.no_object("post", node)
        try:
            self._reviewing.edit(template, read_object(await request.body()) or {})
        except ValidationError as wrong:
            raise errors.wrong_parameter(f"Invalid parameter: {wrong.errors()[0]['loc']}") from wrong
        return _json({"success": True})

    async def delete_template(self, request: Request) -> Response:
        """Delete a template by its name, in all languages, or in the one that hsm_id names."""
        node = self._account(request)
        if not self._templates.remove(node, request.query_params.get("name", ""), request.query_params.get("hsm_id")):
            raise errors.wrong_parameter("Message template not found.")
        return _json({"success": True})

    async def subscribed_apps(self, request: Request) -> Response:
        """Let an account's webhooks come to the application, or not, or see whether they do."""
        node = self._account(request)
        if request.method == "GET":
            app = {"whatsapp_business_api_data": {"id": "400000000000001", "name": "Sandbox app", "link": ""}}
            return _json({"data": [app] if node in self._subscribed else []})
        if request.method == "POST":
            self._subscribed.add(node)
        else:
            self._subscribed.discard(node)
        return _json({"success": True})

    async def unknown(self, request: Request) -> Response:
        """A path that there is not."""
        self._access.enter(request)
        raise errors.unknown_path(request.url.path)

    def clear(self) -> None:
        """No account is subscribed."""
        self._subscribed.clear()

    def _entered(self, request: Request) -> str:
        self._access.enter(request)
        node: str = request.path_params["node"]
        return node

    def _account(self, request: Request) -> str:
        node = self._entered(request)
        if not self._world.has_account(node):
            raise errors.no_object(request.method, node)
        return node


def _number(number: Number) -> Object:
    settings = number.is_
    level = "HIGH" if settings.throughput is None or settings.throughput >= 1000 else "STANDARD"
    return {
        "id": settings.id,
        "display_phone_number": settings.display_phone_number,
        "verified_name": settings.verified_name,
        "quality_rating": settings.quality_rating,
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "throughput": {"level": level},
        "is_on_biz_app": settings.is_on_biz_app,
        _LIMITS[settings.limit_is_of]: settings.messaging_limit,
        "status": "CONNECTED",
    }


def _template(template: Template) -> Object:
    shown: Object = template.model_dump(exclude={"waba_id", "quality"})
    shown["quality_score"] = {"score": template.quality, "date": 0}
    return shown


def _media(media: Media) -> Object:
    return {
        "mime_type": media.mime_type,
        "sha256": media.sha256.hex(),
        "file_size": len(media.content),
        "id": media.id,
    }


def _json(document: Object) -> Response:
    return Response(write(document), media_type="application/json; charset=UTF-8")
