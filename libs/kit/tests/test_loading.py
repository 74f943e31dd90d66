import subprocess
import sys

LOADS = """
import gc
from kit.loading import loading
with loading():
    from pydantic import BaseModel
    class Late(BaseModel):
        number: int
    assert not gc.isenabled()
assert gc.isenabled()
assert gc.get_freeze_count() > 1000
assert not Late.__pydantic_complete__
assert Late(number="3").number == 3
assert Late.__pydantic_complete__
"""


def test_models_are_built_at_their_first_use_and_the_collector_rests_only_meanwhile() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
