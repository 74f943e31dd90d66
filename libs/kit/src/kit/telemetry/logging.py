"""Logs: one JSON object per line on stdout, with secrets masked and the trace beside every line."""

import contextvars
import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer

from kit.telemetry import tracing
from kit.telemetry.redaction import redact

log = structlog.get_logger()

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
"""The id of the request this task answers; stands in every line it logs."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# Loud libraries speak from this level on, or not below the level that was asked for.
_QUIETED = {
    "aio_pika": 30,
    "aiormq": 30,
    "asyncio": 30,
    "uvicorn": 30,
    "httpx": 30,
    "httpcore": 30,
    "opentelemetry": 30,
    "urllib3": 30,
}
_PLAIN = frozenset({"timestamp", "level", "service", "logger", "trace_id", "span_id", "request_id"})

_frames = structlog.processors.ExceptionRenderer(
    ExceptionDictTransformer(show_locals=False, max_frames=30, use_rich=False)
)
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def configure(service: str, level: str = "info") -> None:
    """Send the logs of structlog and of the standard library to stdout, from `level` on."""
    number = _LEVELS[level.lower()]
    structlog.configure(
        processors=_chain(service),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Line,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Routed(service)]
    root.setLevel(number)
    for name, loud in _QUIETED.items():
        logging.getLogger(name).setLevel(max(number, loud))
    logging.captureWarnings(capture=True)


class _Line:
    """Writes finished lines to whatever stdout is now; keeps the name for `logger`."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: bytes) -> None:
        out = sys.stdout
        buffer = getattr(out, "buffer", None)
        if buffer is None:
            out.write(line.decode() + "\n")
        else:
            buffer.write(line + b"\n")
        out.flush()

    log = debug = info = warning = warn = error = critical = exception = fatal = msg


class _Routed(logging.Handler):
    """Takes the standard library's records through the same processors."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._processors = _chain(service)

    def emit(self, record: logging.LogRecord) -> None:
        line = _Line(record.name)
        try:
            event: Any = {"event": record.getMessage()}
            if record.exc_info:
                event["exc_info"] = record.exc_info
            for processor in self._processors:
                event = processor(line, record.levelname.lower(), event)
            line.msg(event)
        except Exception:  # noqa: BLE001 - a log that cannot be written must not stop the work; stderr is told
            self.handleError(record)


def _chain(service: str) -> list[Any]:
    def describe(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["level"] = "error" if method == "exception" else method
        event["service"] = service
        name = getattr(logger, "name", "")
        if name:
            event.setdefault("logger", name)
        context = tracing.current()
        if context is not None:
            event.setdefault("trace_id", f"{context.trace_id:032x}")
            event.setdefault("span_id", f"{context.span_id:016x}")
        if request_id.get():
            event.setdefault("request_id", request_id.get())
        return event

    return [structlog.contextvars.merge_contextvars, describe, _stamp, _frames, _redacted, _rendered]


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value if key in _PLAIN else redact(value, key) for key, value in event.items()}


def _rendered(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate or a number beyond 64 bits
        return json.dumps(event, default=str).encode("ascii")
