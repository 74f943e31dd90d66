"""The pages of the consent: plain HTML without scripts, styles or pictures, so that the strictest policy holds."""

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from auth.oauth.authorizing import Shown
from auth.oauth.schemas import AuthorizationRequestOut

_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def _environment() -> Environment:
    folder = Path(str(files("auth"))) / "oauth" / "html"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True, slots=True)
class Pages:
    """Writes them; whatever is put in is escaped."""

    public_url: str
    environment: Environment = field(default_factory=_environment)

    def refused(self) -> HTMLResponse:
        """The program is not known, or wants people sent to an address that is not its own."""
        return self._page("refused", 400)

    def over(self) -> HTMLResponse:
        """There is no such request any more."""
        return self._page("over", 410)

    def sign_in(self, request: str, client: str, owner: str, trouble: str = "", status: int = 200) -> HTMLResponse:
        """Who decides must say who they are."""
        return self._page("sign-in", status, request=request, client=client, owner=owner, trouble=trouble)

    def factor(self, request: str, sign_in: str, trouble: str = "", status: int = 200) -> HTMLResponse:
        """A second factor is owed."""
        return self._page("factor", status, request=request, sign_in=sign_in, trouble=trouble)

    def consent(self, request: str, csrf: str, shown: Shown, trouble: str = "", status: int = 200) -> HTMLResponse:
        """What is asked for, and the decision."""
        told = AuthorizationRequestOut.of(shown)
        return self._page(
            "consent",
            status,
            request=request,
            csrf=csrf,
            client=told.client_name,
            owner=told.organization_name,
            host=urlsplit(told.redirect_uri).netloc,
            scopes=told.scopes,
            organizations=told.organizations,
            trouble=trouble,
        )

    def _page(self, name: str, status: int, **more: object) -> HTMLResponse:
        return HTMLResponse(self.environment.get_template(f"{name}.html.j2").render(more), status, headers=_HEADERS)
