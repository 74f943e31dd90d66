import sys

import uvloop
from pydantic import ValidationError

from sandbox.logs import configure
from sandbox.members import members
from sandbox.process import Sandbox, run_until_stopped
from sandbox.settings import SandboxSettings


def main() -> int:
    """Read the settings and serve; 2 when the settings are wrong, 1 when an address is taken."""
    try:
        settings = SandboxSettings()
    except ValidationError as wrong:
        sys.stderr.write(f"The settings SANDBOX_* are not valid: {wrong}\n")
        return 2
    configure(settings.log_level)
    present = members(settings)
    sandbox = Sandbox(present, host=settings.http_host, port=settings.http_port)
    try:
        uvloop.run(run_until_stopped(sandbox, present))
    except OSError as taken:
        sys.stderr.write(f"The sandbox cannot listen: {taken}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
