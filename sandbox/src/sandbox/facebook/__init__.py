from sandbox.facebook.member import Facebook

__all__ = ["Facebook"]
