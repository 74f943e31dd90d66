"""Many posts due within a minute, over all platforms, while a worker is killed and answers are lost.

`python -m benchmarks.rush` (200 posts over 100 accounts), `… full` (10,000 over 5,000), `… small FILE` (as in the
suite of tests, the verdict in that file). Real workers as processes, the platforms played by sandboxes. None may be
live twice, none may be lost. What waits for a proof of absence is let wait by moving the platform's clock.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import harness
from benchmarks.harness import Result, Size
from benchmarks.rush import books
from benchmarks.rush.rush import SIZES, SMALL, Measure, opened, watched

_BAR: Final = 0.001


async def rushed(size: Measure) -> books.Verdict:
    """Run one."""
    with watched() as bar:
        async with opened(size, bar) as rush:
            await rush.prepare()
            return await rush.run()


async def measure(size: Size) -> Sequence[Result]:
    """What became of the posts; twice or lost is a failure of the whole."""
    found = await rushed(SIZES[size])
    print(json.dumps(found.told()))
    if found.twice or found.lost:
        raise RuntimeError(f"{found.twice} live twice, {found.lost} lost")
    share = 100 / found.posts
    return [
        Result("published, told by the call", "%", [found.done * share]),
        Result("published, looked for", "%", [found.searched * share]),
        Result("unconfirmed", "%", [found.unconfirmed * share], [100 * _BAR], None, less_is_better=False),
        Result("refused by a platform", "%", [found.failed * share]),
        Result("due to call started, p50", "ms", [found.late_p50], less_is_better=True),
        Result("due to call started, p99", "ms", [found.late_p99], less_is_better=True),
        Result("all settled after", "s", [found.seconds], less_is_better=True),
    ]


def main() -> None:
    """As the arguments say."""
    if sys.argv[1:2] == ["small"]:
        Path(sys.argv[2]).write_text(json.dumps(asyncio.run(rushed(SMALL)).told()), encoding="utf-8")
    else:
        harness.run("rush", measure)


if __name__ == "__main__":
    main()
