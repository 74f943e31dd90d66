from publisher.platforms.x.platform import X

__all__ = ["X"]
