import json
import logging as stdlib
import time
import timeit
import warnings
from collections.abc import Iterator
from typing import Any, Never

import pytest
import structlog

from kit.telemetry import logging, tracing


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = stdlib.getLogger()
    handlers, level, configured = root.handlers[:], root.level, dict(structlog.get_config())
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    stdlib.captureWarnings(False)
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


class Out:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        self._text += self._capsys.readouterr().out
        return self._text


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Out:
    return Out(capsys)


def lines(out: Out) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.text.splitlines()]


def test_a_line_is_one_json_object_with_its_circumstances(out: Out) -> None:
    logging.configure("auth", "info")
    structlog.contextvars.bind_contextvars(user_id="u-1")
    token = logging.request_id.set("r-1")
    with tracing.continued("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        structlog.get_logger("auth.accounts").info("account.verified", count=1, password="hunter2")
    logging.request_id.reset(token)
    (line,) = lines(out)
    assert line["event"] == "account.verified"
    assert line["user_id"] == "u-1"
    assert (line["service"], line["level"], line["logger"]) == ("auth", "info", "auth.accounts")
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["span_id"] == "b7ad6b7169203331"
    assert line["request_id"] == "r-1"
    assert line["timestamp"].endswith("Z")
    assert "hunter2" not in out.text


def test_the_standard_library_and_warnings_take_the_same_way(out: Out) -> None:
    logging.configure("auth", "info")
    stdlib.getLogger("some.library").warning("cannot reach %s", "amqp://guest:hunter2@mq/")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
    first, second = lines(out)
    assert (first["logger"], first["level"], first["service"]) == ("some.library", "warning", "auth")
    assert "hunter2" not in first["event"]
    assert "careful" in second["event"]


def test_an_exception_is_told_in_frames_without_its_local_variables(out: Out) -> None:
    logging.configure("auth", "info")

    def fail(_password: str) -> Never:
        raise ValueError("could not use bob@example.com")

    try:
        fail("hunter2")
    except ValueError:
        structlog.get_logger().exception("account.failed")
    (line,) = lines(out)
    assert line["level"] == "error"
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert line["exception"][0]["frames"][-1]["name"] == "fail"
    assert "hunter2" not in out.text
    assert "bob@" not in out.text


def test_a_stdlib_exception_is_told_in_frames_too(out: Out) -> None:
    logging.configure("auth", "info")
    try:
        int("x")
    except ValueError:
        stdlib.getLogger("x").exception("failed")
    assert lines(out)[0]["exception"][0]["exc_type"] == "ValueError"


def test_what_json_cannot_hold_is_still_written(out: Out) -> None:
    logging.configure("auth", "info")
    structlog.get_logger().info("odd", lone="\ud800", big=2**70, thing=object(), raw=b"12", by={1: 2})
    assert lines(out)[0]["event"]


def test_below_the_level_nothing_is_written_and_hardly_any_time_spent(out: Out) -> None:
    logging.configure("auth", "warning")
    log = structlog.get_logger()
    log.info("not.written")
    stdlib.getLogger("x").info("not written")
    assert out.text == ""
    took = min(timeit.repeat(lambda: log.debug("x", a=1), timer=time.thread_time, number=2000, repeat=5)) / 2000
    assert took < 20e-6
