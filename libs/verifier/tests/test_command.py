import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rostrum_verifier.__main__ import main

from .making import OURS, Log, filled, lines

LOG = filled()


def written(folder: Path, name: str, **asked: int) -> str:
    place = folder / name
    place.write_text("\n".join(lines(LOG.bundle(OURS, **asked))) + "\n", "utf-8")
    return str(place)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(*arguments: str, out: io.StringIO | None = None) -> tuple[int, str]:
    out = out or io.StringIO()
    return main(arguments, out, out), out.getvalue()


def test_what_holds_is_told_in_words_and_ends_with_0(tmp_path: Path) -> None:
    code, text = told(written(tmp_path, "a.ndjson"), "--key", str(LOG.key))
    assert code == 0
    assert "20 entries, 1 to 20 of 20" in text
    assert "The audit trail holds." in text
    assert "\x1b" not in text


def test_what_does_not_hold_is_told_with_its_reason_and_ends_with_1(tmp_path: Path) -> None:
    place = written(tmp_path, "a.ndjson")
    Path(place).write_text(Path(place).read_text("utf-8").replace("added", "removed", 1), "utf-8")
    code, text = told(place, "--key", str(LOG.key))
    assert code == 1
    assert "entry 1 is not what stands in the log" in text
    assert "does NOT hold" in text


def test_programs_are_told_in_json(tmp_path: Path) -> None:
    place = written(tmp_path, "a.ndjson")
    code, text = told(place, "--key", str(LOG.key), "--json")
    assert code == 0
    assert json.loads(text) == {
        "holds": True,
        "whole": True,
        "origin": LOG.origin,
        "organization": str(OURS),
        "first": 1,
        "last": 20,
        "newest": 20,
        "count": 20,
        "size": 33,
        "older_size": None,
    }
    code, text = told(place, "--key", str(Log().key), "--json")
    assert (code, json.loads(text)["holds"]) == (1, False)


def test_an_older_checkpoint_or_bundle_is_taken_from_a_file(tmp_path: Path) -> None:
    now = written(tmp_path, "now.ndjson", older_size=20)
    (tmp_path / "older.txt").write_text(LOG.checkpoint(20), "utf-8")
    older = written(tmp_path, "older.ndjson", size=20)
    for kept in (str(tmp_path / "older.txt"), older):
        code, text = told(now, "--key", str(LOG.key), "--older", kept)
        assert (code, "goes on from the 20 entries" in text) == (0, True)
    fork = filled(theirs=12)
    fork.private = LOG.private
    (tmp_path / "fork.txt").write_text(fork.checkpoint(30), "utf-8")
    assert told(now, "--key", str(LOG.key), "--older", str(tmp_path / "fork.txt"))[0] == 1


def test_pages_are_given_in_their_order_and_a_part_is_called_one(tmp_path: Path) -> None:
    pages = [written(tmp_path, "1", last=8), written(tmp_path, "2", first=9)]
    assert "not all entries" not in told(*pages, "--key", str(LOG.key))[1]
    assert "not all entries" in told(pages[1], "--key", str(LOG.key))[1]


def test_on_a_terminal_it_is_coloured(tmp_path: Path) -> None:
    assert "\x1b[32m✓" in told(written(tmp_path, "a"), "--key", str(LOG.key), out=Terminal())[1]


def test_a_file_that_is_not_there_is_misuse_and_one_that_is_no_text_does_not_hold(tmp_path: Path) -> None:
    assert told(str(tmp_path / "none"), "--key", str(LOG.key))[0] == 2
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert told(str(tmp_path / "bytes"), "--key", str(LOG.key))[0] == 1


@pytest.mark.parametrize("arguments", [[], ["--key", "nonsense", "file"], ["file"]])
def test_misuse_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as found:
        main(arguments)
    assert found.value.code == 2
    assert "usage: rostrum-verify" in capsys.readouterr().err


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rostrum_verifier", written(tmp_path, "a"), "--key", str(LOG.key)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "The audit trail holds." in done.stdout) == (0, True)
