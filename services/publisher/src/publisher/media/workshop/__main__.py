"""`python -m publisher.media.workshop JOB`: opens one file, says one line, ends."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from publisher.media.workshop import limits


def main(job: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked, within the bounds that are set first."""
    limits.bind(job["memory"], job["seconds"], job["space"])
    from publisher.media.workshop.tasks import carry_out  # noqa: PLC0415 - nothing large is loaded unbound
    from publisher.media.workshop.verdict import Unfit  # noqa: PLC0415

    try:
        return carry_out(job, Path(job["source"]), Path(job["target"])).stored()
    except Unfit as unfit:
        return {"code": unfit.code, "reason": unfit.reason}
    except MemoryError:
        return {"code": "too-complex", "reason": "It takes too much memory to open. Make it smaller or simpler."}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # noqa: T201 - this is the answer
