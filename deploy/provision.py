"""Makes the database's roles and schemas; run once before the first migration and again when a service is added.

Told by PROVISION_ADMIN_URL (an administrator, in the platform's own database), PROVISION_ROLE_PREFIX and one
PROVISION_<SERVICE>_PASSWORD for each service.
"""

import asyncio
import os
import re
import sys

from kit.db.provision import provision


def main() -> int:
    """Provision what the environment names; the exit status."""
    named = {
        found[1].lower(): word
        for variable, word in os.environ.items()
        if (found := re.fullmatch(r"PROVISION_([A-Z]+)_PASSWORD", variable))
    }
    url = os.environ.get("PROVISION_ADMIN_URL")
    if not url or not named or not all(named.values()):
        print("PROVISION_ADMIN_URL and PROVISION_<SERVICE>_PASSWORD are needed, none of them empty", file=sys.stderr)
        return 2
    asyncio.run(provision(url, named, role_prefix=os.environ.get("PROVISION_ROLE_PREFIX", "rostrum_")))
    print(f"provisioned {', '.join(sorted(named))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
