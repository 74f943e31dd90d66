from sandbox.google.member import Google

__all__ = ["Google"]
