"""What the processes say: one capped file for each, and short coloured lines for a person."""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

from rich.text import Text

LIMIT = 10_000_000
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")
_LEVELS = {"warning": "yellow", "error": "red", "critical": "bold red"}
_PLAIN = frozenset({"event", "level", "at", "timestamp", "time", "service", "logger"})


class LogFile:
    """A file that starts anew, keeping one older part, once it has grown past its limit."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path, self._limit = path, limit
        self._file: BinaryIO = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append one line."""
        if self._file.tell() + len(line) > self._limit:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._path.open("ab")
        self._file.write(line + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()


@dataclass(slots=True)
class Lines:
    """Cuts a stream of bytes into lines; a line without end is cut at a bound."""

    longest: int = 65_536
    _rest: bytes = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self.longest:
            lines.append(self._rest)
            self._rest = b""
        return lines

    def rest(self) -> list[bytes]:
        """What is left at the end of the stream."""
        left, self._rest = self._rest, b""
        return [left] if left else []


def colour_of(name: str) -> str:
    """The same colour for the same name, always."""
    return _COLOURS[sum(name.encode()) % len(_COLOURS)]


def readable(name: str, line: bytes) -> Text:
    """One line for a person: who, what, and the rest of a JSON record as `key=value`."""
    text = line.decode("utf-8", "replace").rstrip()
    shown = Text(f"{name:<10} ", style=colour_of(name))
    try:
        record: Any = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict) or "event" not in record:
        return shown.append(text, style="default")
    shown.append(str(record["event"]), style=_LEVELS.get(str(record.get("level")), "default"))
    for key, value in record.items():
        if key not in _PLAIN:
            shown.append(f" {key}={_short(value)}", style="dim" if key != "exception" else "default")
    return shown


def _short(value: Any) -> Any:
    """A structured trace as its error and the place it came from; the file has all of it."""
    first = value[0] if isinstance(value, list) and value else None
    if not isinstance(first, dict) or "exc_type" not in first:
        return value
    frames = first.get("frames") or [{}]
    ours = next((frame for frame in reversed(frames) if "/src/" in str(frame.get("filename"))), frames[-1])
    said = str(first.get("exc_value", "")).partition("\n")[0]
    return f"{first['exc_type']}: {said} ({ours.get('filename')}:{ours.get('lineno')})"


def tail(path: Path, count: int = 15) -> list[str]:
    """The last lines of a file; none when it is not there."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=count)]
    except OSError:
        return []


@dataclass(slots=True)
class _Followed:
    """One log that grows, may be replaced, may not be there yet."""

    path: Path
    file: BinaryIO | None = None
    lines: Lines = field(default_factory=Lines)

    def fresh(self) -> list[bytes]:
        """The lines written since the last call."""
        if self.file is None:
            if not self.path.exists():
                return []
            self.file = self.path.open("rb")
        data = self.file.read()
        replaced = not data and (
            not self.path.exists() or os.fstat(self.file.fileno()).st_ino != self.path.stat().st_ino
        )
        if replaced:
            self.close()
        return self.lines.feed(data)

    def to_end(self) -> Self:
        """Skip what is there already."""
        if self.path.exists():
            self.file = self.path.open("rb")
            self.file.seek(0, os.SEEK_END)
        return self

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()
            self.file = None


def _is_open_as(file: BinaryIO, path: Path) -> bool:
    """Whether the path still leads to the open file; a capped log is renamed."""
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def follow(paths: Sequence[Path], pause: Callable[[float], None] = time.sleep) -> Iterator[tuple[str, bytes]]:
    """New lines of these files as they come, for ever, each with the name of its file."""
    with ExitStack() as stack:
        followed = [_Followed(path).to_end() for path in paths]
        for log in followed:
            stack.callback(log.close)
        while True:
            for log in followed:
                for line in log.fresh():
                    yield log.path.stem, line
            pause(0.2)
