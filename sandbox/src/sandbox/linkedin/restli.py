"""The resources of LinkedIn's REST API."""

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.json import Object, text_at
from sandbox.linkedin import errors
from sandbox.linkedin.gate import Caller, Gate, json_answer, read_body
from sandbox.linkedin.posts import Posts
from sandbox.linkedin.world import World

READS_A_PAGE = ("r_organization_social", "rw_organization_admin", "r_organization_admin")
_WHOLE = re.compile(r"[0-9]{1,6}")


class Uploaded(Protocol):
    """What was uploaded, and may be named by posts."""

    def refuse_unknown(self, post: Object) -> None:
        """Refuse a post that names what is not there, or not its author's."""


class RestApi:
    """The resources of api.linkedin.com."""

    def __init__(self, gate: Gate, world: World, posts: Posts, uploaded: Sequence[Uploaded]) -> None:
        self._gate = gate
        self._world = world
        self._posts = posts
        self._uploaded = uploaded

    async def userinfo(self, request: Request) -> Response:
        """Who the member is (OpenID Connect)."""
        caller = self._gate.signed_in(request)
        if not caller.may("openid"):
            raise errors.not_permitted("userinfo.GET.NO_VERSION")
        person = caller.person
        given, _, family = person.name.partition(" ")
        out: Object = {"sub": person.id}
        if caller.may("profile"):
            out |= {"name": person.name, "given_name": given, "family_name": family}
            out |= {
                "locale": {"country": "US", "language": "en"},
                "picture": f"{request.base_url}linkedin/www/pictures/{person.id}",
            }
        if caller.may("email") and person.email:
            out |= {"email": person.email, "email_verified": True}
        return json_answer(out)

    async def create_post(self, request: Request) -> Response:
        """Publish: 201 with the URN in `x-restli-id`."""
        caller = self._gate.enter(request, "posts.CREATE", writes=True)
        body = read_body(await request.body())
        self._gate.refuse_foreign_author(caller, text_at(body, "author"))
        for each in self._uploaded:
            each.refuse_unknown(body)
        post = self._posts.create(body, self._world.app, visible_after=request.scope.get(VISIBLE_AFTER, 0.0))
        where = f"/rest/posts/{post.urn.replace(':', '%3A')}"
        return Response(b"", 201, {"x-restli-id": post.urn, "x-linkedin-id": post.urn, "location": where})

    async def find_posts(self, request: Request) -> Response:
        """The posts of an author, the newest first."""
        caller = self._gate.enter(request, "posts.FINDER-author")
        asked = request.query_params
        if asked.get("q") != "author":
            raise errors.bad_request("Only the finder q=author is offered")
        author = asked.get("author", "")
        self._gate.refuse_foreign_reader(caller, author)
        start, count = _whole(asked.get("start", "0")), _whole(asked.get("count", "10"))
        if not 1 <= count <= 100:
            raise errors.bad_request("count must be between 1 and 100")
        found = self._posts.by(author, sort_by=asked.get("sortBy", "LAST_MODIFIED"))
        paging = {"start": start, "count": count, "links": [], "total": len(found)}
        return json_answer({"paging": paging, "elements": [post.out() for post in found[start : start + count]]})

    async def one_post(self, request: Request) -> Response:
        """Read, change or delete one post."""
        urn = unquote(request.path_params["urn"])
        if request.method == "GET":
            caller = self._gate.enter(request, "posts.GET")
            post = self._posts.find(urn)
            self._gate.refuse_foreign_reader(caller, post.author)
            return json_answer(post.out())
        if request.method == "DELETE":
            self._delete(self._gate.enter(request, "posts.DELETE", writes=True), urn)
            return Response(b"", 204)
        if request.headers.get("x-restli-method", "").upper() != "PARTIAL_UPDATE":
            raise errors.bad_request("A POST to an entity needs the header X-RestLi-Method: PARTIAL_UPDATE")
        caller = self._gate.enter(request, "posts.PARTIAL_UPDATE", writes=True)
        patch = read_body(await request.body())
        post = self._posts.find(urn)
        self._gate.refuse_foreign_author(caller, post.author)
        self._posts.change(post, patch, self._world.app)
        return Response(b"", 204)

    async def organization_acls(self, request: Request) -> Response:
        """The pages on which the member has a role."""
        caller = self._gate.enter(request, "organizationAcls.FINDER-roleAssignee")
        if not caller.may(*READS_A_PAGE, "w_organization_social"):
            raise errors.not_permitted("organizationAcls.FINDER-roleAssignee")
        if request.query_params.get("q") != "roleAssignee":
            raise errors.bad_request("Only the finder q=roleAssignee is offered")
        role = request.query_params.get("role")
        acls: list[Object] = [
            {
                "organization": f"urn:li:organization:{page}",
                "role": held,
                "roleAssignee": caller.person.urn,
                "state": "APPROVED",
            }
            for page, held in caller.person.pages.items()
            if role in {None, held}
        ]
        paging = {"start": 0, "count": 10, "links": [], "total": len(acls)}
        return json_answer({"paging": paging, "elements": acls})

    async def organization(self, request: Request) -> Response:
        """A page; its name and address."""
        self._gate.enter(request, "organizations.GET")
        page = self._world.pages.get(request.path_params["page"])
        if page is None:
            raise errors.not_found(f"urn:li:organization:{request.path_params['page']}")
        name = {"localized": {"en_US": page.name}, "preferredLocale": {"country": "US", "language": "en"}}
        out: Object = {"id": int(page.id), "localizedName": page.name, "name": name, "vanityName": page.vanity_name}
        return json_answer(out)

    async def unknown(self, request: Request) -> Response:
        """A resource that there is not."""
        raise errors.api_error(404, "RESOURCE_NOT_FOUND", f"No virtual resource found for {request.url.path}")

    def _delete(self, caller: Caller, urn: str) -> None:
        mine = [post for post in self._posts.all() if post.urn == urn]
        for post in mine:
            self._gate.refuse_foreign_author(caller, post.author)
        self._posts.delete(urn)


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise errors.bad_request("start and count are whole numbers")
    return int(text)
