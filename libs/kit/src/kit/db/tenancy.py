"""Which tables row-level security does not hold, and the proof that no other escapes it."""

from collections.abc import Mapping
from types import ModuleType

import asyncpg

from kit.db import migrations as kit_migrations
from kit.db.roles import ServiceRoles


def tenant_free(package: ModuleType) -> Mapping[str, str]:
    """The tables without a tenant of a service (kit's own included), each with its reason.

    A service states them as `TENANT_FREE` in its `migrations/__init__.py`.
    """
    return {**kit_migrations.TENANT_FREE, **getattr(package, "TENANT_FREE", {})}


async def escapes(
    connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles, free: Mapping[str, str]
) -> list[str]:
    """Every way in which a table of the schema escapes its tenant, in plain words; empty when none does."""
    tables = await connection.fetch(
        """
        SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
               (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND $2::regrole::oid = ANY (p.polroles)
                   AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.orgs%') AS policies,
               pg_has_role($2, c.relowner, 'MEMBER') AS owned_by_app
        FROM pg_class c
        WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p')
        ORDER BY c.relname
        """,
        roles.schema,
        roles.app,
    )
    found = [
        f"{name} is listed as tenant-free and does not exist" for name in free.keys() - {t["name"] for t in tables}
    ]
    for table in tables:
        name = table["name"]
        if table["owned_by_app"]:
            found.append(f"{name} is owned by a role that the service may take")
        if name in free:
            continue
        if not table["enabled"]:
            found.append(f"{name} has no row-level security and is not listed as tenant-free")
        elif not table["forced"]:
            found.append(f"{name} does not force row-level security on its owner")
        elif not table["policies"]:
            found.append(f"{name} has no policy that binds {roles.app} to app.orgs")
    return found + await _open_functions(connection, roles)


async def _open_functions(connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles) -> list[str]:
    """Functions that run with their owner's rights and may be called by anyone, or belong to another than loops."""
    functions = await connection.fetch(
        """
        SELECT p.oid::regprocedure::text AS name, pg_get_userbyid(p.proowner) AS owner,
               EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
                       WHERE grantee = 0) AS open
        FROM pg_proc p
        WHERE p.pronamespace = $1::regnamespace AND p.prosecdef
        ORDER BY 1
        """,
        roles.schema,
    )
    found = [f"{each['name']} may be called by anyone" for each in functions if each["open"]]
    return found + [f"{each['name']} runs as {each['owner']}" for each in functions if each["owner"] != roles.loops]
