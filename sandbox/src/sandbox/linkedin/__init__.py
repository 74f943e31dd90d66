from sandbox.linkedin.member import LinkedIn

__all__ = ["LinkedIn"]
