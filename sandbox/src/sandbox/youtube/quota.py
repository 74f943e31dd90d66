"""What the project has used of its day, which ends at midnight Pacific time."""

import time
from collections import Counter, deque
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sandbox.pulse import Pulse
from sandbox.youtube import errors
from sandbox.youtube.world import App

PACIFIC = ZoneInfo("America/Los_Angeles")
UPLOADING = "videos.insert"
COSTS = {
    "videos.list": 1,
    "channels.list": 1,
    "playlistItems.list": 1,
    "commentThreads.list": 1,
    "commentThreads.insert": 50,
    "thumbnails.set": 50,
    "videos.update": 50,
    "videos.delete": 50,
}
"""Units; uploads cost none of them and count in their own bucket."""


class Quota:
    """Units and uploads of the day, and each channel's uploads of 24 hours; invalid requests cost too."""

    def __init__(self) -> None:
        self._day: date | None = None
        self.units = self.uploads = 0
        self._of_channels: dict[str, deque[float]] = {}
        self.calls: Counter[str] = Counter()
        self.pulses: dict[str, Pulse] = {}

    def spend(self, app: App, method: str) -> None:
        """Count a call; refused when the day's units, or uploads, are used up."""
        today = datetime.now(PACIFIC).date()
        if today != self._day:
            self._day, self.units, self.uploads = today, 0, 0
        self.pulses.setdefault(method, Pulse()).beat()
        self.calls[method] += 1
        if method == UPLOADING:
            if self.uploads >= app.uploads_per_day:
                raise errors.out_of_quota()
            self.uploads += 1
        elif self.units + COSTS[method] > app.units_per_day:
            raise errors.out_of_quota()
        else:
            self.units += COSTS[method]

    def refuse_too_many(self, app: App, channel: str) -> None:
        """Refuse a channel that has uploaded what it may in 24 hours."""
        times = self._of_channels.setdefault(channel, deque(maxlen=10_000))
        while times and times[0] <= time.time() - 86_400:
            times.popleft()
        if app.channel_uploads_per_day is not None and len(times) >= app.channel_uploads_per_day:
            raise errors.out_of_uploads()

    def uploaded(self, channel: str) -> None:
        """A film of this channel arrived."""
        self._of_channels.setdefault(channel, deque(maxlen=10_000)).append(time.time())

    def clear(self) -> None:
        """A new day."""
        self._day, self.units, self.uploads = None, 0, 0
        self._of_channels.clear()
        self.calls.clear()
        self.pulses.clear()
