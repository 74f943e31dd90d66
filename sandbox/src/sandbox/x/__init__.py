from sandbox.x.member import X

__all__ = ["X"]
