"""Shared by all tests of the workspace."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# These folders are named like the packages in them: loaded first, the packages win over the folders.
import gateway
import sandbox

assert gateway.__file__  # noqa: S101
assert sandbox.__file__  # noqa: S101

pytest_plugins = ["kit.testing.plugin"]

# Tests that start the whole platform, or share it: run by one worker, one after another, and before all others since
# they take longest. One needs some fifty of PostgreSQL's hundred connections; two of them leave none for others.
ONE_AT_A_TIME = (
    "tests/e2e/",
    "tests/chaos/test_outside_world.py",
    "tests/chaos/test_servers_fail.py",
    "tests/chaos/test_chaos.py",
    "deploy/local/tests/test_life_of_a_checkout.py",
)


class _ByPlace(LoadScopeScheduling):  # type: ignore[misc]  # xdist brings no types
    """Gives single tests to whichever worker is free, and those that belong together to one of them."""

    def _split_scope(self, nodeid: str) -> str:
        return "platform" if nodeid.startswith(ONE_AT_A_TIME) else nodeid

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Forget what is done: after each test all that a worker was given is counted again, of thousands."""
        super().mark_test_complete(node, item_index, duration)
        given = self.assigned_work[node]
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(given[scope].values()):
            del given[scope]


def _place(item: pytest.Item) -> str:
    return next((place for place in ONE_AT_A_TIME if item.nodeid.startswith(place)), "")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one place side by side, so that there is one platform at a time."""
    items.sort(key=_place)


def pytest_xdist_make_scheduler(config: Any, log: Any) -> _ByPlace:
    """Called by xdist when tests run in parallel."""
    return _ByPlace(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In continuous integration a test that was skipped has proved nothing: it counts as failed."""
    report = yield
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report
