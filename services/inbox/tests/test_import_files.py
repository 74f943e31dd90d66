"""Files of imports go when nobody needs them, also those that no row ever named."""

from pathlib import Path

from kit.ids import new_id

from .house import House
from .test_imports import run, upload

DAY = 24 * 3600


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "media" / "imports").rglob("*") if path.is_file()}


async def test_files_that_no_row_names_are_swept_after_a_day_and_others_are_not(house: House, tmp_path: Path) -> None:
    await upload(house, b"Ann,+491701111111,\n")
    (named,) = files(tmp_path)
    store = house.parts.imports.files
    for organization_id in (house.organization_id, new_id()):
        await store.keep(organization_id, new_id(), b"its process died before the row", 0, 1)
    await house.parts.imports.sweep_unnamed()
    assert len(files(tmp_path)) == 3
    await house.forward(DAY + 60)
    late = await store.keep(house.organization_id, new_id(), b"on its way to a row", 0, 1)
    for _ in range(2):
        await house.parts.imports.sweep_unnamed()
    assert files(tmp_path) == {named, late.file_id.hex}


async def test_an_import_that_ended_leaves_no_file_whoever_dies_while_sweeping(house: House, tmp_path: Path) -> None:
    await run(house, b"Ann,+491701111111,\n", heading=False)
    assert len(files(tmp_path)) == 2
    async with house.database.transaction(house.organization_id) as tx:
        await tx.execute("DELETE FROM contact_import_parts WHERE what = 'piece'")
    while await house.parts.imports.sweep():
        pass
    assert len(files(tmp_path)) == 1, "whoever took the row away died before the file"
    await house.forward(DAY + 60)
    await house.parts.imports.sweep_unnamed()
    assert files(tmp_path) == set()


async def test_nobody_who_serves_or_works_can_take_an_import_away(house: House) -> None:
    """What is kept of an import row by row is written without asking whether the import is there."""
    roles = house.place.roles("inbox")
    for role in (roles.app, roles.loops):
        may = f"has_table_privilege('{role}', 'contact_imports', 'DELETE')"
        assert await house.count(f"SELECT count(*) FROM (SELECT 1 WHERE {may}) AS yes") == 0
