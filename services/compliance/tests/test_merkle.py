import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.audit.merkle import (
    EMPTY,
    HASH,
    WIDTH,
    Grown,
    TileId,
    TileMissing,
    Tree,
    append,
    consistency,
    edge_of,
    inclusion,
    leaf_hash,
    tiles_of,
)
from rostrum_verifier import consistent, included

from . import reference

PUBLISHED = json.loads((Path(__file__).with_name("data") / "tree-roots.json").read_text("utf-8"))
LEAVES = [number.to_bytes(3, "big") for number in range(1_000)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]

sizes = st.one_of(st.integers(0, 40), st.integers(250, 260), st.integers(508, 520), st.integers(0, 1_000))


def grown(*steps: int) -> tuple[Grown, dict[TileId, bytes]]:
    """A tree that was appended to in such steps, from its edge alone each time."""
    tiles: dict[TileId, bytes] = {}
    tree = Grown(0, EMPTY, {})
    for step in steps:
        edge = {tile: tiles[tile] for tile in edge_of(tree.size)}
        tree = append(edge, tree.size, HASHES[tree.size : tree.size + step])
        assert all(written.startswith(tiles.get(tile, b"")) for tile, written in tree.tiles.items())
        tiles |= tree.tiles
    return tree, tiles


def test_the_published_trees_have_their_published_roots() -> None:
    leaves = [bytes.fromhex(leaf) for leaf in PUBLISHED["leaf_inputs_hex"]]
    assert [leaf_hash(leaf).hex() for leaf in leaves] == PUBLISHED["leaf_hashes_hex"]
    for size in range(9):
        root = append({}, 0, [leaf_hash(leaf) for leaf in leaves[:size]]).root
        assert root.hex() in json.dumps(PUBLISHED)
        assert root == reference.root(leaves[:size])


@settings(max_examples=60)
@given(steps=st.lists(st.integers(0, 300), max_size=6).filter(lambda steps: sum(steps) <= 1_000))
def test_a_tree_is_the_same_in_whatever_steps_it_grew(steps: list[int]) -> None:
    tree, tiles = grown(*steps)
    at_once, whole = grown(sum(steps))
    assert (tree.size, tree.root, tiles) == (sum(steps), at_once.root, whole)
    assert tree.root == reference.root(LEAVES[: tree.size])
    assert all(len(hashes) <= WIDTH * HASH and len(hashes) % HASH == 0 for hashes in tiles.values())


@settings(max_examples=100)
@given(size=sizes.filter(bool), data=st.data())
def test_proofs_of_inclusion_are_those_of_the_standard_and_the_verifier_takes_them(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree, tiles = grown(1_000)
    spans = inclusion(index, size)
    needed = {tile: tiles[tile] for tile in tiles_of(spans)}
    proof = Tree(needed).hashes(spans)
    assert proof == reference.path(index, LEAVES[:size])
    assert included(HASHES[index], index, size, proof, reference.root(LEAVES[:size]))
    assert tree.size == 1_000


@settings(max_examples=100)
@given(later=sizes, data=st.data())
def test_proofs_of_consistency_are_those_of_the_standard_and_the_verifier_takes_them(
    later: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(0, later))
    _, tiles = grown(1_000)
    spans = consistency(size, later)
    needed = {tile: tiles[tile] for tile in tiles_of(spans)}
    proof = Tree(needed).hashes(spans)
    assert proof == (reference.subproof(size, LEAVES[:later]) if size else [])
    if size:
        assert consistent(size, reference.root(LEAVES[:size]), later, reference.root(LEAVES[:later]), proof)


@given(size=st.integers(0, 2**40))
def test_no_proof_needs_more_than_a_few_tiles(size: int) -> None:
    assert len(edge_of(size)) <= 5
    if size:
        assert len(tiles_of(inclusion(size // 3, size))) <= 2 * 5
        assert len(tiles_of(consistency(size // 3, size))) <= 2 * 5


def test_the_root_of_every_earlier_size_can_still_be_computed() -> None:
    _, tiles = grown(1_000)
    for size in (0, 1, 255, 256, 257, 511, 512, 999, 1_000):
        needed = {tile: tiles[tile] for tile in tiles_of([(0, size)])}
        assert Tree(needed).hash((0, size)) == reference.root(LEAVES[:size])


@pytest.mark.parametrize("cut", [0, HASH - 1, HASH, 2 * HASH])
def test_a_tile_that_was_cut_is_noticed_and_not_read_beyond(cut: int) -> None:
    with pytest.raises(TileMissing):
        Tree({(0, 0): b"".join(HASHES[:3])[:cut]}).hash((0, 3))
