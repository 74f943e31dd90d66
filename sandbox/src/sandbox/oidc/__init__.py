from sandbox.oidc.member import Oidc

__all__ = ["Oidc"]
