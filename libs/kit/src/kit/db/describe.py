"""A schema in words: the committed sum of all migrations, the same on every PostgreSQL version."""

import asyncpg

from kit.db.roles import ServiceRoles

_TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS rls, c.relforcerowsecurity AS forced, obj_description(c.oid) AS comment,
       ARRAY(SELECT format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
                 coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''))
             FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
       ARRAY(SELECT format('CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
             WHERE conrelid = c.oid AND contype <> 'n' ORDER BY conname) AS constraints,
       ARRAY(SELECT replace(pg_get_indexdef(i.indexrelid), format(' ON %s.', $1::text), ' ON ')
             FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
             WHERE i.indrelid = c.oid AND NOT EXISTS
                 (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = c.oid)
             ORDER BY ic.relname) AS indexes,
       ARRAY(SELECT format('CREATE POLICY %I ON %I FOR %s TO %s USING (%s)%s', p.polname, c.relname,
                 CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                     WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
                 (SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM pg_roles r
                  WHERE r.oid = ANY (p.polroles)),
                 pg_get_expr(p.polqual, p.polrelid),
                 coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''))
             FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY p.polname) AS policies,
       ARRAY(SELECT format('GRANT %s ON %I TO %s', string_agg(privilege_type, ', ' ORDER BY privilege_type),
                 c.relname, r.rolname)
             FROM aclexplode(c.relacl) JOIN pg_roles r ON r.oid = grantee
             WHERE grantee <> c.relowner GROUP BY r.rolname ORDER BY r.rolname)
       || ARRAY(SELECT format('GRANT %s (%I) ON %I TO %s', privilege_type, a.attname, c.relname, r.rolname)
             FROM pg_attribute a, aclexplode(a.attacl) JOIN pg_roles r ON r.oid = grantee
             WHERE a.attrelid = c.oid ORDER BY a.attnum, r.rolname, privilege_type) AS grants
FROM pg_class c
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY c.relname
"""

_FUNCTIONS = """
SELECT p.oid::regprocedure::text AS signature, pg_get_functiondef(p.oid) AS definition, o.rolname AS owner,
       ARRAY(SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END
             FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
             WHERE x.grantee <> p.proowner ORDER BY 1) AS callers
FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner
WHERE p.pronamespace = $1::regnamespace
ORDER BY 1
"""


async def describe(connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles) -> str:
    """Tables, columns, constraints, indexes, policies, grants and functions, with roles under their plain names."""
    await connection.execute(f'SET search_path = "{roles.schema}", kit')
    parts = ["-- The sum of all migrations; written by `make schemas`, compared by a test. Not to be edited."]
    parts += [_table(table) for table in await connection.fetch(_TABLES, roles.schema)]
    for function in await connection.fetch(_FUNCTIONS, roles.schema):
        lines = [function["definition"].rstrip() + ";", f"-- owner: {function['owner']}"]
        lines += [f"-- may be called by: {', '.join(function['callers']) or 'its owner alone'}"]
        parts.append("\n".join(lines))
    return ("\n\n".join(parts) + "\n").replace(roles.prefix, "")


def _table(table: asyncpg.Record) -> str:
    inside = [*table["columns"], *table["constraints"]]
    lines = [f"CREATE TABLE {table['name']} (", ",\n".join(f"    {line}" for line in inside), ");"]
    if table["comment"]:
        comment = table["comment"].replace("'", "''")
        lines.append(f"COMMENT ON TABLE {table['name']} IS '{comment}';")
    if table["rls"]:
        forced = ", FORCE ROW LEVEL SECURITY" if table["forced"] else ""
        lines.append(f"ALTER TABLE {table['name']} ENABLE ROW LEVEL SECURITY{forced};")
    lines += [f"{line};" for line in (*table["indexes"], *table["policies"], *table["grants"])]
    return "\n".join(lines)
