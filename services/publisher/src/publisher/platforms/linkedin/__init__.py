from publisher.platforms.linkedin.platform import LinkedIn

__all__ = ["LinkedIn"]
