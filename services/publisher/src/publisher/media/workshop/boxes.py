"""The boxes of an MP4 or QuickTime file (ISO/IEC 14496-12), read without trusting any of their sizes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from publisher.media.workshop.verdict import Unfit

_MOST_BOXES: Final = 100_000
_LARGEST_HEAD: Final = 64 * 1024 * 1024
_INNER: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_CODECS: Final[Mapping[bytes, str]] = {
    b"avc1": "h264",
    b"avc3": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"av01": "av1",
    b"vp09": "vp9",
    b"mp4v": "mpeg4",
    b"mp4a": "aac",
    b"ac-3": "ac3",
    b"Opus": "opus",
}


@dataclass
class Track:
    """What a track says of itself."""

    handler: bytes = b""
    codec: str = ""
    width: int = 0
    height: int = 0
    turned: bool = False
    timescale: int = 0
    duration: int = 0
    step: int = 0
    """How long most of its samples last."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.duration / self.timescale if self.timescale else 0.0


def complete(path: Path) -> None:
    """Walk the outermost boxes up to the end of the file.

    Raises:
        Unfit: the file ends within one, or has no head.
    """
    seen = set()
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for kind, start, end in _boxes(file, 0, size):
            seen.add(kind)
            if end > size:
                raise Unfit("truncated", "The video ends too early; upload it again.")
            if kind == b"moov" and end - start > _LARGEST_HEAD:
                raise Unfit("damaged", "The video's index is too large; export it anew.")
    if b"moov" not in seen or b"mdat" not in seen:
        raise Unfit("truncated", "The video has no index or no content; export it anew and upload that.")


def tracks(path: Path) -> list[Track]:
    """The tracks of a file that is complete.

    Raises:
        Unfit: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for kind, start, end in _boxes(file, 0, size):
            if kind == b"moov" and end - start <= _LARGEST_HEAD:
                file.seek(start)
                found: list[Track] = []
                _read(file.read(end - start), found)
                return found
    raise Unfit("damaged", "The video cannot be read; export it anew.")


def _boxes(file: BinaryIO, at: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start of the content, end."""
    for _ in range(_MOST_BOXES):
        if at >= size:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            raise Unfit("truncated", "The video ends too early; upload it again.")
        length, kind, begin = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, begin = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:
            length = size - at
        if length < begin:
            raise Unfit("damaged", "The video is damaged; export it anew.")
        yield kind, at + begin, at + length
        at += length
    raise Unfit("damaged", "The video is made of too many pieces; export it anew.")


def _read(content: bytes, found: list[Track]) -> None:
    at, seen = 0, 0
    while at + 8 <= len(content) and seen < _MOST_BOXES:
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if length < 8:
            return
        inner = content[at + 8 : at + length]
        if kind == b"trak":
            found.append(Track())
        if kind in _INNER:
            _read(inner, found)
        elif found:
            _note(found[-1], kind, inner)
        at, seen = at + length, seen + 1


def _note(track: Track, kind: bytes, inner: bytes) -> None:
    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(inner[at : at + size], "big")

    if kind == b"tkhd":
        wide = 12 if inner[:1] == b"\x01" else 0
        track.turned = number(40 + wide) == 0  # the first element of the matrix: cos of the angle
        track.width, track.height = number(76 + wide, 2), number(80 + wide, 2)
    elif kind == b"mdhd":
        wide = inner[:1] == b"\x01"
        track.timescale = number(20 if wide else 12)
        track.duration = number(24, 8) if wide else number(16)
    elif kind == b"hdlr":
        track.handler = inner[8:12]
    elif kind == b"stsd":
        track.codec = _CODECS.get(inner[12:16], inner[12:16].decode("latin-1").strip())
    elif kind == b"stts":
        runs = [(number(8 * at), number(8 * at + 4)) for at in range(1, min(number(4), len(inner) // 8 - 1) + 1)]
        track.step = max(runs, default=(0, 0))[1]
