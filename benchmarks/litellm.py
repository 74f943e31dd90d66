"""LiteLLM's proxy in an environment of its own; `make litellm` runs generation against it.

It is a server that others wrote and that speaks OpenAI's API. It is installed from the package index into a folder of
its own, since it wants other versions than we do, and answers with mock responses, so nothing is paid for.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from kit.testing.ports import free_port
from kit.testing.programs import eventually

WITHIN: Final = 120.0
"""Seconds that the proxy may take to come up: it imports a great deal."""

CHECKS: Final = "services/generation/tests/against_litellm.py"

KEY: Final = f"sk-{secrets.token_hex(16)}"
"""What the proxy wants to be asked with; it starts with no weaker one."""

CAPTION: Final = '{"p1": {"text": "We open a second shop for you on Saturday, and the coffee is on us."}}'
MOCKED: Final[Mapping[str, str]] = {
    "mock-good": CAPTION,
    "mock-wrong": "This is no JSON at all.",
    "mock-busy": "litellm.RateLimitError",
    "mock-broken": "litellm.InternalServerError",
    "mock-talks": "There are three posts this week.",
}
"""What each model says; the names of errors are answered as such."""


def installed(folder: Path) -> str:
    """Make its environment below a folder; why not, where that is so."""
    if program(folder).exists():
        return ""
    uv = str(Path(sys.executable).with_name("uv"))
    folder.mkdir(parents=True, exist_ok=True)
    venv = str(folder / "venv")
    for command in (
        [uv, "venv", "-q", venv, "--python", sys.executable],
        [uv, "pip", "install", "-q", "--python", f"{venv}/bin/python", "litellm[proxy]"],
    ):
        done = subprocess.run(command, check=False, capture_output=True, timeout=900)
        if done.returncode:
            return f"litellm: could not be installed: {done.stderr.decode(errors='replace')[-200:].strip()}"
    return ""


def program(folder: Path) -> Path:
    """Where its command is."""
    return folder / "venv/bin/litellm"


@asynccontextmanager
async def running(folder: Path, models: Sequence[Mapping[str, Any]]) -> AsyncIterator[tuple[str, str]]:
    """The proxy with these models: its address, or why it is not there."""
    port, config = free_port(), folder / "config.yaml"
    settings = {"num_retries": 0, "telemetry": False}
    config.write_text(yaml.safe_dump({"model_list": list(models), "litellm_settings": settings}), encoding="utf-8")
    command = [str(program(folder).absolute()), "--config", str(config.absolute())]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    quiet = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MASTER_KEY": KEY}
    with (
        (folder / "log").open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env=quiet) as process,  # noqa: ASYNC220 - a program beside
    ):
        try:
            up = await _started(port, process)
            yield (f"http://127.0.0.1:{port}/v1", "") if up else ("", f"litellm: did not start, see {folder / 'log'}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


async def _started(port: int, process: "subprocess.Popen[bytes]") -> bool:
    async def ready() -> bool:
        if process.poll() is not None:
            return True
        try:
            async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
                return (await http.get(f"http://127.0.0.1:{port}/health/readiness")).is_success
        except httpx.HTTPError:
            return False

    try:
        await eventually(ready, within=WITHIN)
    except (TimeoutError, AssertionError):
        return False
    return process.poll() is None


async def main() -> int:
    """Install, start, check."""
    with tempfile.TemporaryDirectory(prefix="rostrum-litellm-") as made:
        folder = Path(made)
        if missing := installed(folder):
            print(missing)
            return 1
        models = [
            {
                "model_name": name,
                "litellm_params": {"model": f"openai/{name}", "api_key": "none", "mock_response": said},
            }
            for name, said in MOCKED.items()
        ]
        async with running(folder, models) as (url, missing):
            if missing:
                print(missing, (folder / "log").read_text(errors="replace")[-2000:], sep="\n")
                return 1
            environment = os.environ | {"ROSTRUM_LITELLM_URL": url, "ROSTRUM_LITELLM_KEY": KEY}
            checks = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "pytest", "-q", "-n", "0", CHECKS, *sys.argv[1:], env=environment
            )
            return await checks.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
