from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.enterprise.model import Domain, IdentityProvider, Policy
from auth.members.permissions import Role
from kit.db.database import Row, Transaction

_PROVIDER = """
    SELECT id, organization_id, issuer, name, client_id, default_role, joins, silence_is_verified, enforced, active,
           secret_sealed, version, created_at
    FROM identity_providers
"""


@dataclass(frozen=True, slots=True)
class ProviderRepository:
    """The identity providers of the transaction's organization."""

    tx: Transaction

    async def lock_organization(self) -> None:
        """Let changes of an organization's providers happen one after the other."""
        await self.tx.execute("SELECT FROM organizations WHERE id = $1 FOR NO KEY UPDATE", self.tx.organization_id)

    async def all(self) -> list[IdentityProvider]:
        """All of them, oldest first; there are never many."""
        rows = await self.tx.fetch(_PROVIDER + "WHERE organization_id = $1 ORDER BY id", self.tx.organization_id)
        domains = await self._domains(None)
        return [_provider(row, domains.get(row["id"], ())) for row in rows]

    async def find(self, provider_id: UUID, *, lock: bool = False) -> IdentityProvider | None:
        """One of them."""
        row = await self.tx.fetchrow(
            _PROVIDER + "WHERE organization_id = $1 AND id = $2" + (" FOR NO KEY UPDATE" if lock else ""),
            self.tx.organization_id,
            provider_id,
        )
        return None if row is None else _provider(row, (await self._domains(provider_id)).get(provider_id, ()))

    async def add(self, provider_id: UUID, issuer: str, policy: Policy, secret_sealed: bytes) -> None:
        """Make one."""
        await self.tx.execute(
            """
            INSERT INTO identity_providers
                (id, organization_id, issuer, secret_sealed, name, client_id, default_role, joins,
                 silence_is_verified, enforced, active)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            provider_id,
            self.tx.organization_id,
            issuer,
            secret_sealed,
            *_values(policy),
        )

    async def save(self, provider: IdentityProvider, policy: Policy, secret_sealed: bytes) -> None:
        """Write what may change."""
        await self.tx.execute(
            """
            UPDATE identity_providers
            SET secret_sealed = $3, name = $4, client_id = $5, default_role = $6, joins = $7,
                silence_is_verified = $8, enforced = $9, active = $10, version = version + 1
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            provider.id,
            secret_sealed,
            *_values(policy),
        )

    async def remove(self, provider_id: UUID) -> None:
        """Forget one with its domains, and the accounts that it vouched for are no way in any more."""
        await self.tx.execute("DELETE FROM federated_identities WHERE provider_id = $1", provider_id)
        await self.tx.execute(
            "DELETE FROM identity_providers WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            provider_id,
        )

    async def add_domain(self, domain_id: UUID, provider_id: UUID, domain: str, challenge: str) -> bool:
        """Name a domain; False when it stands there already."""
        added = await self.tx.execute(
            """
            INSERT INTO identity_provider_domains (id, organization_id, provider_id, domain, challenge)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (provider_id, domain) DO NOTHING
            """,
            domain_id,
            self.tx.organization_id,
            provider_id,
            domain,
            challenge,
        )
        return added == 1

    async def prove_domain(self, domain: Domain) -> bool:
        """It is theirs, unless somebody else has proven it; waits for whoever does so at this moment."""
        await self.tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('domain:' || $1, 0))", domain.domain)
        proven = await self.tx.fetchval(
            """
            UPDATE identity_provider_domains SET proven_at = coalesce(proven_at, kit_now())
            WHERE organization_id = $1 AND id = $2 AND challenge = $3
              AND coalesce(prover_of_domain(domain), provider_id) = provider_id
            RETURNING true
            """,
            self.tx.organization_id,
            domain.id,
            domain.challenge,
        )
        return bool(proven)

    async def remove_domain(self, domain_id: UUID, provider_id: UUID) -> bool:
        """Let go of one; False when it is not there."""
        removed = await self.tx.execute(
            "DELETE FROM identity_provider_domains WHERE organization_id = $1 AND id = $2 AND provider_id = $3",
            self.tx.organization_id,
            domain_id,
            provider_id,
        )
        return removed == 1

    async def touch(self, provider_id: UUID) -> None:
        """Count a change of its domains."""
        await self.tx.execute(
            "UPDATE identity_providers SET version = version + 1 WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            provider_id,
        )

    async def sessions(self, provider_id: UUID, at_most: int) -> Sequence[tuple[UUID, UUID]]:
        """Sessions that go on and began by its word, each with its person."""
        rows = await self.tx.fetch(
            """
            SELECT id, user_id FROM sessions WHERE identity_provider_id = $1 AND ended_at IS NULL
            ORDER BY user_id, id LIMIT $2
            """,
            provider_id,
            at_most,
        )
        return [(row["id"], row["user_id"]) for row in rows]

    async def enforced(self) -> dict[UUID, frozenset[str]]:
        """The providers through which alone members of these domains act here."""
        rows = await self.tx.fetch(
            """
            SELECT p.id, array_agg(d.domain) AS domains
            FROM identity_providers AS p JOIN identity_provider_domains AS d ON d.provider_id = p.id
            WHERE p.organization_id = $1 AND p.enforced AND p.active AND d.proven_at IS NOT NULL
            GROUP BY p.id
            """,
            self.tx.organization_id,
        )
        return {row["id"]: frozenset(row["domains"]) for row in rows}

    async def _domains(self, provider_id: UUID | None) -> dict[UUID, tuple[Domain, ...]]:
        rows = await self.tx.fetch(
            """
            SELECT provider_id, id, domain, challenge, proven_at FROM identity_provider_domains
            WHERE organization_id = $1 AND ($2::uuid IS NULL OR provider_id = $2)
            ORDER BY id
            """,
            self.tx.organization_id,
            provider_id,
        )
        found: dict[UUID, tuple[Domain, ...]] = {}
        for row in rows:
            domain = Domain(row["id"], row["domain"], row["challenge"], row["proven_at"])
            found[row["provider_id"]] = (*found.get(row["provider_id"], ()), domain)
        return found


async def provider_of_domain(tx: Transaction, domain: str) -> tuple[UUID, UUID] | None:
    """Organization and provider that vouch for people of a domain: the question that crosses tenants."""
    row = await tx.fetchrow("SELECT organization_id, provider_id FROM provider_of_domain($1)", domain)
    return None if row is None else (row["organization_id"], row["provider_id"])


def _values(policy: Policy) -> tuple[object, ...]:
    return (
        policy.name,
        policy.client_id,
        policy.default_role,
        policy.joins,
        policy.silence_is_verified,
        policy.enforced,
        policy.active,
    )


def _provider(row: Row, domains: tuple[Domain, ...]) -> IdentityProvider:
    policy = Policy(
        name=row["name"],
        client_id=row["client_id"],
        default_role=Role(row["default_role"]),
        joins=row["joins"],
        silence_is_verified=row["silence_is_verified"],
        enforced=row["enforced"],
        active=row["active"],
    )
    return IdentityProvider(
        row["id"],
        row["organization_id"],
        row["issuer"],
        policy,
        row["secret_sealed"],
        row["version"],
        row["created_at"],
        domains,
    )
