"""Files as people upload them, and small ones to upload: each is made once."""

import base64
import io
import subprocess
from functools import cache
from typing import Any

import httpx
import imageio_ffmpeg
from PIL import Image

from kit.testing.programs import eventually

from .story import Story

PATH = "/v1/library"
UPLOADS = f"{PATH}/uploads"
TUS = {"tus-resumable": "1.0.0"}
GPS = {0x8825: {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)}}


@cache
def picture(
    width: int = 640, height: int = 480, form: str = "JPEG", *, orientation: int = 1, hidden: bool = False
) -> bytes:
    """A picture; with `hidden` it says where and by what it was taken."""
    made, said = io.BytesIO(), Image.Exif()
    said[0x0112] = orientation
    if hidden:
        said[0x010F] = "Example Camera"
        said.get_ifd(0x8825).update(GPS[0x8825])
    options: dict[str, Any] = {"exif": said} if orientation != 1 or hidden else {}
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(made, form, **options)
    return made.getvalue()


@cache
def film(seconds: float = 1.0, width: int = 128, height: int = 96, *options: str) -> bytes:
    """A film with sound that says where it was taken."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i"]
    command += [f"testsrc=d={seconds}:s={width}x{height}:r=25", "-f", "lavfi", "-i", f"sine=d={seconds}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
    command += ["-metadata", "title=Taken by Ann", *options]
    command += ["-f", "mp4", "-movflags", "empty_moov+frag_keyframe", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def metadata(**told: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())


async def begin(client: httpx.AsyncClient, size: int, mime: str = "image/jpeg", **told: str) -> httpx.Response:
    headers = {**TUS, "upload-length": str(size), "upload-metadata": metadata(filetype=mime, **told)}
    return await client.post(UPLOADS, headers=headers)


async def send(client: httpx.AsyncClient, where: str, offset: int, content: Any) -> httpx.Response:
    headers = {**TUS, "upload-offset": str(offset), "content-type": "application/offset+octet-stream"}
    return await client.patch(where, headers=headers, content=content)


async def uploaded(client: httpx.AsyncClient, content: bytes, mime: str = "image/jpeg", **told: str) -> str:
    """The id of what was uploaded and is being looked at."""
    begun = await begin(client, len(content), mime, **told)
    assert begun.status_code == 201, begun.text
    sent = await send(client, begun.headers["location"], 0, content)
    assert (sent.status_code, sent.headers["upload-offset"]) == (204, str(len(content))), sent.text
    return str(begun.headers["location"].rpartition("/")[2])


async def seen(client: httpx.AsyncClient, media_id: str) -> dict[str, Any]:
    """It, once it was looked at."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        answer = await client.get(f"{PATH}/{media_id}")
        assert answer.status_code == 200, answer.text
        found.update(answer.json())
        return found["state"] in {"ready", "refused"}

    await eventually(there)
    return found


async def taken(client: httpx.AsyncClient, content: bytes, mime: str = "image/jpeg", **told: str) -> dict[str, Any]:
    """What was uploaded, once it can be used; workers must be running."""
    found = await seen(client, await uploaded(client, content, mime, **told))
    assert found["state"] == "ready", found
    return found


async def bytes_of(story: Story) -> list[str]:
    """The keys of all objects in the store."""
    import obstore

    return [str(each["path"]) for page in obstore.list(story.made.media.store.objects) for each in page]
