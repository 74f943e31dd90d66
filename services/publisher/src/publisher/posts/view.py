from dataclasses import dataclass

from publisher.deliveries.model import Shown
from publisher.posts.model import Post, PostStatus, overall


@dataclass(frozen=True, slots=True)
class PostView:
    """A post with its deliveries as they are now."""

    post: Post
    deliveries: tuple[Shown, ...]

    @property
    def status(self) -> PostStatus:
        """The post's status, from what its deliveries are doing just now."""
        return overall(each.status for each in self.deliveries) if self.deliveries else self.post.status
