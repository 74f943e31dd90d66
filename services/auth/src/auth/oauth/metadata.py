"""What programs read before they begin (RFC 8414, OpenID Connect Discovery 1.0)."""

from typing import Any

from auth.oauth.engine import GRANTS, METHODS
from auth.scopes.catalogue import IDENTITY, SCOPES

PATHS = {
    "authorization_endpoint": "/v1/oauth/authorize",
    "token_endpoint": "/v1/oauth/token",
    "introspection_endpoint": "/v1/oauth/introspect",
    "revocation_endpoint": "/v1/oauth/revoke",
    "userinfo_endpoint": "/v1/oauth/userinfo",
    "jwks_uri": "/.well-known/jwks.json",
}


def metadata(issuer: str, public_url: str) -> dict[str, Any]:
    """The document for one server; `public_url` is where it is reached, which is its issuer's name, too."""
    methods = list(METHODS)
    return {
        "issuer": issuer,
        **{name: public_url + path for name, path in PATHS.items()},
        "scopes_supported": [*IDENTITY, *SCOPES],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods[:2],
        "revocation_endpoint_auth_methods_supported": methods,
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "azp", "email"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
