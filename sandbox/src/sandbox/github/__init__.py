from sandbox.github.member import GitHub

__all__ = ["GitHub"]
