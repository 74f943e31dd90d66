"""`python -m local.release <service>`: a release of one service in one process: migrate, then topology."""

import runpy
import sys
from collections.abc import Sequence

STEPS = ("migrate", "topology")


def main(service: str, steps: Sequence[str] = STEPS) -> None:
    """Run these commands of a service one after the other; the first that fails ends the process with its status."""
    for step in steps:
        sys.argv = [service, step]
        try:
            runpy.run_module(service, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main(sys.argv[1])
