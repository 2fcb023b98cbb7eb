"""Pictures that strangers send: decoded within bounds and encoded anew, so that nothing but the picture is left."""

from __future__ import annotations

import threading
from io import BytesIO

from PIL import Image, ImageOps

MAX_BYTES = 5 << 20
MAX_PIXELS = 25_000_000
LONGEST = 1600  # pixels of a side, enough to read a screenshot
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 85
_AT_ONCE = threading.BoundedSemaphore(2)  # a decoded picture of 25 megapixels takes 100 MB
Image.MAX_IMAGE_PIXELS = None  # the limit here is lower, and refuses instead of warning


class NotAPicture(ValueError):
    """Not a JPEG, PNG or WebP that can be decoded."""


class TooLarge(ValueError):
    """More bytes or pixels than are taken."""


def clean(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """A JPEG of at most 1600 pixels a side, with no metadata, and its size. Raises NotAPicture or TooLarge."""
    if len(data) > MAX_BYTES:
        raise TooLarge
    with _AT_ONCE:
        try:
            return _encoded(_decoded(data))
        except TooLarge:
            raise
        except Exception as error:  # decoders fail on hostile bytes in every way there is
            raise NotAPicture from error


def _decoded(data: bytes) -> Image.Image:
    picture: Image.Image = Image.open(BytesIO(data), formats=_FORMATS)
    if picture.width * picture.height > MAX_PIXELS:  # the header says so: nothing has been decoded yet
        raise TooLarge
    if picture.mode not in ("L", "RGB", "RGBA"):  # palettes do not shrink well
        picture = picture.convert("RGBA")
    picture.thumbnail((LONGEST, LONGEST))
    upright: Image.Image = ImageOps.exif_transpose(picture)
    return upright


def _encoded(picture: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """Drawn on a new white sheet: a copy would carry comments and profiles along."""
    sheet = Image.new("RGB", picture.size, "white")
    layer = picture.convert("RGBA")
    sheet.paste(layer, mask=layer)
    out = BytesIO()
    sheet.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue(), sheet.size
