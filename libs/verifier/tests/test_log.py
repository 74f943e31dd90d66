import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostrum_verifier import Checkpoint, Key, Rejected, consistent, included, leaf_hash, opened

from .making import Log, path, proof, root

DATA = Path(__file__).with_name("data")


def vectors(name: str) -> list[Any]:
    return [pytest.param(each, id=each["case"]) for each in json.loads((DATA / name).read_text("utf-8"))]


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


@pytest.mark.parametrize("case", vectors("inclusion.json"))
def test_inclusion_is_judged_as_the_published_vectors_do(case: dict[str, Any]) -> None:
    leaf, whole = hashes([case["leafHash"], case["root"]])
    found = included(leaf, case["leafIdx"], case["treeSize"], hashes(case["proof"]), whole)
    assert found is not case["wantErr"]


@pytest.mark.parametrize("case", vectors("consistency.json"))
def test_consistency_is_judged_as_the_published_vectors_do(case: dict[str, Any]) -> None:
    first, second = hashes([case["root1"], case["root2"]])
    found = consistent(case["size1"], first, case["size2"], second, hashes(case["proof"]))
    assert found is not case["wantErr"]


@given(size=st.integers(1, 70), data=st.data())
def test_every_leaf_of_every_tree_is_included_and_nowhere_else(size: int, data: st.DataObject) -> None:
    leaves = [bytes([number]) for number in range(size)]
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    shown = path(index, leaves)
    assert included(leaf_hash(leaves[index]), index, size, shown, root(leaves))
    if other != index:
        assert not included(leaf_hash(leaves[index]), other, size, shown, root(leaves))
    assert not included(leaf_hash(b"forged"), index, size, shown, root(leaves))


@given(later=st.integers(1, 70), data=st.data())
def test_every_tree_goes_on_from_every_earlier_one_and_from_no_other(later: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, later))
    leaves = [bytes([number]) for number in range(later)]
    shown = proof(size, leaves)
    assert consistent(size, root(leaves[:size]), later, root(leaves), shown)
    forked = [*leaves[: size - 1], b"forged"]
    assert not consistent(size, root(forked), later, root(leaves), shown)


@pytest.mark.parametrize("index", [-1, 1, 2**64])
def test_a_place_outside_the_tree_includes_nothing(index: int) -> None:
    assert not included(leaf_hash(b"a"), index, 1, [], leaf_hash(b"a"))


def test_hashes_of_another_length_prove_nothing() -> None:
    assert not included(b"short", 0, 1, [], b"short")
    assert not consistent(1, b"short", 2, leaf_hash(b"a"), [leaf_hash(b"a")])


# From https://c2sp.org/signed-note, the example by PeterNeumann.
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_the_published_example_of_a_signed_note_opens() -> None:
    key = Key.from_text(NEUMANN)
    assert opened(NOTE, [key]) == (NOTE.partition("\n\n")[0] + "\n", key)
    assert str(key) == NEUMANN


@pytest.mark.parametrize(
    "broken",
    [
        NOTE.replace("answer", "Answer"),
        NOTE.replace("\n\n", "\n"),
        NOTE.removesuffix("\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("x08g", "x08h"),
        NOTE.replace("x08go/ZJ", "x08go/ZK"),
        NOTE.replace("AM=", "AM"),
        NOTE.replace("If", "I\0f"),
        NOTE.partition("\n\n")[0] + "\n",
        "",
        "\n\n",
        NOTE * 200,
    ],
)
def test_a_note_that_was_touched_does_not_open(broken: str) -> None:
    with pytest.raises(Rejected):
        opened(broken, [Key.from_text(NEUMANN)])


def test_signatures_of_strangers_are_passed_over() -> None:
    key = Key.from_text(NEUMANN)
    stranger = f"— Stranger {base64.b64encode(bytes(68)).decode()}\n"
    assert opened(NOTE + stranger, [key])[1] == key
    with pytest.raises(Rejected, match="no key that you pinned"):
        opened(NOTE, [Log().key])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AAAA",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("+ARpc", "+AhpC"),
        NEUMANN[:-4],
        NEUMANN.replace("Peter", "Peter "),
    ],
)
def test_a_key_that_was_not_copied_whole_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Key.from_text(text)


@pytest.mark.parametrize("size", ["-1", "01", "+1", "1.0", "", "one", "9" * 30, "1_0"])
def test_a_checkpoint_has_one_way_to_write_its_size(size: str) -> None:
    log = Log()
    note = log.sign(f"{log.origin}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n")
    with pytest.raises(Rejected):
        Checkpoint.from_note(note, [log.key])


def test_a_checkpoint_of_another_log_under_the_same_key_is_refused() -> None:
    log = Log()
    other = log.sign(f"elsewhere.test\n0\n{base64.b64encode(root([])).decode()}\n")
    with pytest.raises(Rejected, match="elsewhere"):
        Checkpoint.from_note(other, [log.key])
    assert Checkpoint.from_note(log.checkpoint(), [log.key]) == Checkpoint(log.origin, 0, root([]))
