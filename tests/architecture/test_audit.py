"""The audit trail knows what is done, and what is done is in the audit trail."""

import re
from pathlib import Path
from typing import Final

from contracts.audit import ACTIONS

ROOT: Final = Path(__file__).parents[2]
NAMED: Final = re.compile(r'\b(?:audited|_?line|_turned_away)\(\s*"([a-z0-9_]+(?:\.[a-z0-9_]+){2})"')
"""An action where a line is made."""


def sources() -> str:
    return "\n".join(path.read_text() for path in sorted(ROOT.glob("services/*/src/**/*.py")))


def test_every_action_is_made_by_some_use_case() -> None:
    text = sources()
    unused = {action for action in ACTIONS if f'"{action}"' not in text}
    assert not unused, f"nothing makes a line of {unused}: take it out of contracts.audit, or make one"


def test_no_use_case_makes_a_line_of_an_unknown_action() -> None:
    named = set(NAMED.findall(sources()))
    assert len(named) > len(ACTIONS) / 3, "the pattern still finds where lines are made"
    assert named <= set(ACTIONS), named - set(ACTIONS)
