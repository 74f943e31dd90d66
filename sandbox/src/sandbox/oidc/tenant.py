"""One tenant, in the manner of a realm of Keycloak."""

from collections.abc import Sequence

from sandbox.json import Object
from sandbox.openid.provider import Provider, Refusal
from sandbox.openid.world import Person, World


class Tenant(Provider):
    """An issuer with people of its own."""

    def __init__(self, name: str, beginning: Sequence[Person] | None = None) -> None:
        people = (
            Person(sub=f"{name}-ann", email=f"ann@{name}.test", name="Ann Example"),
            Person(sub=f"{name}-bob", email=f"bob@{name}.test", name="Bob Example"),
        )
        super().__init__(f"oidc/{name}", World(people if beginning is None else tuple(beginning)))
        self.name = name
        self.title = f"Sign in to {name} (sandbox)"

    def issuer(self, here: str) -> str:
        """The realm's address."""
        return f"{here}/oidc/realms/{self.name}"

    def discovery(self, here: str, browser: str) -> Object:
        """What the realm can do."""
        issuer = "https://another.example" if self.world.has("another_provider_in_discovery") else self.issuer(here)
        below = f"/oidc/realms/{self.name}/protocol/openid-connect"
        app = self.world.app
        ways = (
            ["client_secret_basic", "client_secret_post"]
            if app.authenticates_by == "either"
            else [app.authenticates_by]
        )
        document: Object = {
            "issuer": issuer,
            "authorization_endpoint": f"{browser}{below}/auth",
            "token_endpoint": f"{here}{below}/token",
            "userinfo_endpoint": f"{here}{below}/userinfo",
            "jwks_uri": f"{here}{below}/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [app.algorithm, "HS256", "none"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ways,
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code"],
        }
        return document | ({"authorization_response_iss_parameter_supported": True} if app.sends_iss else {})

    def refusal(self, error: str, detail: str) -> Refusal:
        """Errors in RFC 6749's words, which has no error for another redirect URI."""
        error = "invalid_grant" if error == "redirect_uri_mismatch" else error
        headers = {"www-authenticate": 'Basic realm="sandbox"'} if error == "invalid_client" else {}
        return Refusal(
            401 if error == "invalid_client" else 400, {"error": error, "error_description": detail}, headers
        )
