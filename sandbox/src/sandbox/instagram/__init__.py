from sandbox.instagram.member import Instagram

__all__ = ["Instagram"]
