"""Settings as this process knows them, for what asks often: read anew every few seconds, and after a change here."""

from typing import Annotated, Any, Final

from fastapi import Depends

from auth.system.errors import SignUpsClosed
from auth.system.registry import PASSWORD_POLICY, SETTINGS, SIGN_UPS, Setting
from auth.system.repository import SettingRepository
from kit.db.database import Database
from kit.http.app import part

EVERY: Final = 5.0


class CurrentSettings:
    """Values by setting; while the database is away those last known, before they were first read the defaults."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._values: dict[str, Any] = {}

    def value(self, setting: Setting) -> Any:
        """What a setting is."""
        return self._values.get(setting.name, setting.default)

    def passwords_are_strict(self) -> bool:
        """Whether the strict policy of passwords holds, whatever is configured."""
        return bool(self.value(PASSWORD_POLICY) == "strict")

    async def refresh(self) -> None:
        """Read them anew."""
        async with self._database.transaction() as tx:
            self._values = {held.setting.name: held.value for held in await SettingRepository(tx).among(SETTINGS)}


async def insist_on_open_sign_ups(current: Annotated[CurrentSettings, Depends(part(CurrentSettings))]) -> None:
    """Let nobody open an account while that is closed; said to everybody alike, before anything is looked at."""
    if current.value(SIGN_UPS) != "open":
        raise SignUpsClosed
