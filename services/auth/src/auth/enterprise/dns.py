"""TXT records, asked over HTTPS in JSON, of a resolver that whoever runs the platform chose."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from auth.enterprise.errors import ResolverUnreachable
from auth.openid.errors import ProviderUnreachable
from auth.openid.web import Web

TXT: Final = 16
FOUND, NO_SUCH_NAME = 0, 3


@dataclass(frozen=True, slots=True)
class Resolver:
    """Reads the DNS."""

    web: Web
    url: str

    async def texts(self, name: str) -> list[str]:
        """The texts of a name; none where there is no such name.

        Raises:
            ResolverUnreachable: it does not answer, or could not find out.
        """
        query = urlencode({"name": name, "type": "TXT"})
        try:
            said = await self.web.document(f"{self.url}?{query}", {"accept": "application/dns-json"})
        except ProviderUnreachable as trouble:
            raise ResolverUnreachable from trouble
        if said.get("Status") not in {FOUND, NO_SUCH_NAME}:
            raise ResolverUnreachable
        answers = said.get("Answer")
        return [_text(each) for each in answers if _is_text(each)] if isinstance(answers, list) else []


def _is_text(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("type") == TXT and isinstance(answer.get("data"), str)


def _text(answer: dict[str, Any]) -> str:
    """The text of a record: pieces in quotation marks belong together; some resolvers leave the marks out."""
    data: str = answer["data"]
    return "".join(data.split('"')[1::2]) if data.startswith('"') else data
