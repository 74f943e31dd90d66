"""Google's dialect of OpenID Connect."""

from sandbox.json import Object
from sandbox.openid.provider import Provider, Refusal
from sandbox.openid.world import App, Person, World

CLIENT_ID = "1000000000001-sandbox.apps.googleusercontent.com"
SCOPES = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
BEGINNING = (
    Person(sub="100000000000000000001", email="ann.example@gmail.com", name="Ann Example"),
    Person(sub="100000000000000000002", email="bob@example.org", name="Bob Example", hd="example.org"),
    Person(sub="100000000000000000003", email="eve@example.net", name="Eve Example", email_verified=False),
)


class GoogleAccounts(Provider):
    """accounts.google.com and what belongs to it, each below a path of its own."""

    title = "Sign in with Google (sandbox)"
    code_prefix = "4/0"
    token_prefix = "ya29.a0"  # noqa: S105 - the beginning that Google's tokens have

    def __init__(self) -> None:
        super().__init__("google", World(BEGINNING, first=App(client_id=CLIENT_ID)))

    def issuer(self, here: str) -> str:
        """Google's own, below this address."""
        return f"{here}/google/accounts"

    def discovery(self, here: str, browser: str) -> Object:
        """As Google publishes it."""
        issuer = "https://another.example" if self.world.has("another_provider_in_discovery") else self.issuer(here)
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{browser}/google/accounts/o/oauth2/v2/auth",
            "token_endpoint": f"{here}/google/oauth2/token",
            "userinfo_endpoint": f"{here}/google/openidconnect/v1/userinfo",
            "jwks_uri": f"{here}/google/www/oauth2/v3/certs",
            "response_types_supported": ["code", "token", "id_token", "code token", "code id_token", "none"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "name", "picture", "sub"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        }

    def refusal(self, error: str, detail: str) -> Refusal:
        """Google's: 401 for a client it does not know or believe, else 400."""
        return Refusal(401 if error == "invalid_client" else 400, {"error": error, "error_description": detail})

    def told_besides(self, person: Person, scopes: tuple[str, ...]) -> dict[str, str]:
        """Google's own additions to the address."""
        added = {"scope": " ".join(SCOPES.get(each, each) for each in scopes), "authuser": "0", "prompt": "none"}
        return added | ({"hd": person.hd} if person.hd else {})
