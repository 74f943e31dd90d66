from collections.abc import Sequence
from uuid import UUID

from kit.db.database import Transaction
from kit.privacy.person import Person


async def known_in(tx: Transaction, person: Person) -> Sequence[UUID]:
    """The organizations that know a user, whichever they are."""
    if person.kind != "user":
        return ()
    rows = await tx.fetch(
        """
        SELECT organization_id FROM organizations_of_user($1)
        UNION SELECT organization_id FROM voices_organizations_of_user($1)
        UNION SELECT organization_id FROM templates_organizations_of_user($1)
        UNION SELECT organization_id FROM assistant_organizations_of_user($1)
        ORDER BY 1
        """,
        person.id,
    )
    return [row["organization_id"] for row in rows]
