"""How often a user may call an endpoint through the application, and the headers that say what is left."""

import time
from collections import deque

from sandbox.pulse import Pulse
from sandbox.x import errors
from sandbox.x.world import App

WINDOW = 900
DAY = 86_400
PER_USER = {
    "POST /2/tweets": 100,
    "GET /2/tweets/:id": 900,
    "DELETE /2/tweets/:id": 50,
    "GET /2/users/me": 75,
    "GET /2/users/:id/tweets": 900,
    "POST /2/media/upload": 500,
    "GET /2/media/upload": 1000,
    "POST /2/media/upload/initialize": 1875,
    "POST /2/media/upload/:id/append": 1875,
    "POST /2/media/upload/:id/finalize": 1875,
    "POST /2/media/metadata": 500,
}
"""Calls in 15 minutes, from X's table of rate limits."""
POSTING = "POST /2/tweets"


class Limits:
    """Windows of 15 minutes for each user and endpoint, and the application's posts of 24 hours."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._posts: deque[float] = deque(maxlen=100_000)
        self.pulses: dict[str, Pulse] = {}

    def count(self, app: App, endpoint: str, person_id: str) -> dict[str, str]:
        """Count a call; the headers of its answer. Refused when the window is used up; that does not count."""
        now = time.time()
        self.pulses.setdefault(endpoint, Pulse()).beat(now)
        most = app.limits.get(endpoint, PER_USER.get(endpoint, 900))
        reset, used = self._windows.get((endpoint, person_id), (now + WINDOW, 0))
        if reset <= now:
            reset, used = now + WINDOW, 0
        headers = _headers(most, most - used - 1, reset)
        if endpoint == POSTING:
            headers |= self._day(app, now)
        if used >= most or headers.get("x-app-limit-24hour-remaining", "0").startswith("-"):
            raise errors.too_many({name: max(value, "0") for name, value in headers.items()})
        self._windows[endpoint, person_id] = (reset, used + 1)
        return headers

    def posted(self, app: App) -> None:
        """A post was accepted: it counts for the day, and is paid for."""
        self._posts.append(time.time())
        if app.credits is not None:
            app.credits -= 1

    def clear(self) -> None:
        """All windows begin anew."""
        self._windows.clear()
        self._posts.clear()
        self.pulses.clear()

    def _day(self, app: App, now: float) -> dict[str, str]:
        while self._posts and self._posts[0] <= now - DAY:
            self._posts.popleft()
        reset = (self._posts[0] if self._posts else now) + DAY
        left = app.posts_per_day - len(self._posts) - 1
        return {
            "x-app-limit-24hour-limit": str(app.posts_per_day),
            "x-app-limit-24hour-remaining": str(left),
            "x-app-limit-24hour-reset": str(round(reset)),
        }


def _headers(most: int, left: int, reset: float) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(most),
        "x-rate-limit-remaining": str(left),
        "x-rate-limit-reset": str(round(reset)),
    }
