from sandbox.youtube.member import YouTube

__all__ = ["YouTube"]
