"""Users, posts and webhooks of X's API."""

from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.json import Object, text_at
from sandbox.refusals import json_answer
from sandbox.x import errors
from sandbox.x.gate import Gate, read_body
from sandbox.x.limits import POSTING, Limits
from sandbox.x.notifications import Address, Notifier
from sandbox.x.tweets import Tweets
from sandbox.x.world import World


class Api:
    """The paths below /2 but for media."""

    def __init__(self, gate: Gate, world: World, tweets: Tweets, *, limits: Limits, notifier: Notifier) -> None:
        self._gate, self._world, self._tweets = gate, world, tweets
        self._limits, self._notifier = limits, notifier

    async def me(self, request: Request) -> Response:
        """Who the user is."""
        person = self._gate.enter(request, "GET /2/users/me", "users.read", "tweet.read").person
        return json_answer({"data": {"id": person.id, "name": person.name, "username": person.username}})

    async def create(self, request: Request) -> Response:
        """Publish a post, 201 with its id."""
        caller = self._gate.enter(request, POSTING, "tweet.write", "tweet.read", "users.read")
        body, app = await read_body(request), self._world.app
        if app.credits is not None and app.credits <= 0:
            raise errors.out_of_credits()
        visible_after = request.scope.get(VISIBLE_AFTER, 0.0)
        tweet = self._tweets.create(caller.person, body, app, visible_after=visible_after)
        self._limits.posted(app)
        return json_answer({"data": tweet.out(set())}, 201)

    async def one(self, request: Request) -> Response:
        """Read or delete a post."""
        key = request.path_params["id"]
        if request.method == "DELETE":
            caller = self._gate.enter(request, "DELETE /2/tweets/:id", "tweet.write", "tweet.read", "users.read")
            return json_answer({"data": {"deleted": self._tweets.delete(caller.person, key)}})
        self._gate.enter(request, "GET /2/tweets/:id", "tweet.read", "users.read")
        return json_answer({"data": self._tweets.find(key).out(_fields(request))})

    async def timeline(self, request: Request) -> Response:
        """The posts of a user, the newest first."""
        self._gate.enter(request, "GET /2/users/:id/tweets", "tweet.read", "users.read")
        person = self._world.people.get(request.path_params["id"])
        if person is None:
            raise errors.not_found("user", request.path_params["id"])
        asked = request.query_params
        most, begin = _whole(asked.get("max_results", "10")), _whole(asked.get("pagination_token", "0"))
        if not 5 <= most <= 100:
            raise errors.invalid("max_results", "The `max_results` query parameter value is not between 5 and 100")
        found = [one for one in self._tweets.by(person.id) if one.id > asked.get("since_id", "")]
        shown = [one.out(_fields(request)) for one in found[begin : begin + most]]
        meta: Object = {"result_count": len(shown)}
        if begin + most < len(found):
            meta["next_token"] = str(begin + most)
        return json_answer({"data": shown, "meta": meta} if shown else {"meta": meta})

    async def webhooks(self, request: Request) -> Response:
        """Register an address, or list those there are."""
        self._gate.enter_as_app(request)
        if request.method == "GET":
            found = [one.out() for one in self._notifier.addresses.all()]
            return json_answer({"data": found, "meta": {"result_count": len(found)}})
        address = await self._notifier.register(text_at(await read_body(request), "url"))
        return json_answer({"data": address.out()})

    async def webhook(self, request: Request) -> Response:
        """Have an address challenged again, or forget it."""
        self._gate.enter_as_app(request)
        address = self._address(request)
        if request.method == "DELETE":
            self._notifier.addresses.take(address.id)
            return json_answer({"data": {"deleted": True}})
        address.valid = False
        await self._notifier.check(address.url)
        address.valid = True
        return json_answer({"data": {"attempted": True}})

    async def subscribe(self, request: Request) -> Response:
        """Let the activity of the calling user go to an address."""
        endpoint = "POST /2/account_activity/webhooks/:id/subscriptions/all"
        caller = self._gate.enter(request, endpoint, "tweet.read", "users.read")
        self._address(request).users.add(caller.person.id)
        return json_answer({"data": {"subscribed": True}})

    async def unknown(self, request: Request) -> Response:
        """What X does not have."""
        raise errors.problem(404, "Not Found", f"There is nothing at {request.url.path}")

    def _address(self, request: Request) -> Address:
        address = self._notifier.addresses.get(request.path_params["id"])
        if address is None:
            raise errors.not_found("webhook", request.path_params["id"])
        return address


def _fields(request: Request) -> set[str]:
    return set(request.query_params.get("tweet.fields", "").split(","))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1
