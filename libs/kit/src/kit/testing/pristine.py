"""Making a test's database what it was before the test: rows by a function kept in it, anything else by saying no."""

from typing import Final

import asyncpg

# A table that grew beyond this is cut instead of emptied row by row: scans of the next test would read what is dead.
_LARGE: Final = 262_144

_REMEMBER: Final = """
CREATE SCHEMA pristine;
CREATE TABLE pristine.alterations (tag text);
CREATE FUNCTION pristine.note_alteration() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO pristine.alterations VALUES (tg_tag);
END $$;
"""
_RESTORE: Final = """
CREATE FUNCTION pristine.restore() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $restore$
DECLARE filled record;
BEGIN
    FOR filled IN
        SELECT id::regclass AS name, file.size FROM unnest('{{{tables}}}'::oid[]) AS id,
            pg_stat_file(pg_relation_filepath(id)) AS file WHERE file.size > 0
    LOOP
        IF filled.size > {large} THEN EXECUTE format('TRUNCATE %s CASCADE', filled.name);
        ELSE EXECUTE format('DELETE FROM %s', filled.name); END IF;
    END LOOP;
    {back}
END $restore$
"""
_WATCH: Final = """
CREATE EVENT TRIGGER pristine_watch ON ddl_command_end EXECUTE FUNCTION pristine.note_alteration()
"""
_TABLES: Final = """
SELECT format('%I.%I', namespace.nspname, class.relname) AS name, class.oid::bigint AS oid,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
     WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns
FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE class.relkind = 'r' AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'pristine')
ORDER BY 1
"""
_SEQUENCES: Final = """
SELECT format('%I.%I', schemaname, sequencename) AS name, start_value FROM pg_sequences WHERE schemaname <> 'pristine'
"""


async def remember(url: str) -> None:
    """Keep in a template how it is: what `restore` will need in its clones."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(_REMEMBER)
            await connection.execute(await _restoring(connection))
            await connection.execute(_WATCH)
    finally:
        await connection.close()


async def restore(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Give a clone the rows its template has; False when more than rows was altered and it cannot be used again."""
    await _alone(connection)
    if await connection.fetchval("SELECT EXISTS (SELECT FROM pristine.alterations)"):
        return False
    await connection.execute("SELECT pristine.restore()")
    return True


async def _alone(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Break whatever connections the test has left, and wait until they are gone."""
    while await connection.fetchval(
        """
        SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        """
    ):
        continue


async def _restoring(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The function that restores: empties what was filled, then puts back the rows there were.

    It looks at the file of every table and opens those only that hold something: opening all takes longer than all
    else, and to ask for its size is to open it.
    """
    tables, back = [], []
    for table in await connection.fetch(_TABLES):
        name, columns, kept = table["name"], table["columns"], f"pristine.rows_{table['oid']}"
        tables.append(str(table["oid"]))
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})"):  # noqa: S608 - names from the catalogue
            rows = f"SELECT {columns} FROM"
            await connection.execute(f"CREATE TABLE {kept} AS {rows} {name}")
            back.append(f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE {rows} {kept};")
    sequences = await connection.fetch(_SEQUENCES)
    back += [f"PERFORM setval('{each['name']}', {each['start_value']}, false);" for each in sequences]
    return _RESTORE.format(tables=",".join(tables), large=_LARGE, back="\n".join(back))
