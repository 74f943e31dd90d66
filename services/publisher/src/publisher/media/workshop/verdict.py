"""What is said of a file that was opened."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

FileKind = Literal["image", "video", "document"]


class Unfit(Exception):
    """The file is not taken; `reason` says why and what to do, in words for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen in a file. Width and height are those people see, after rotation."""

    kind: FileKind
    mime: str
    size_bytes: int
    width: int = 0
    height: int = 0
    duration_ms: int | None = None
    frames_per_second: float | None = None
    animated: bool = False
    video_codec: str = ""
    audio_codec: str = ""
    pages: int | None = None

    def stored(self) -> dict[str, Any]:
        """As values of JSON."""
        return asdict(self)
