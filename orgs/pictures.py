"""Pictures that people upload: what they are is read off their first bytes, whatever they are called.

They are stored small, without what is not the picture (picture_parts), and never decoded here: what could go wrong
while decoding one goes wrong in the browser of whoever looks, which has a sandbox for it. No SVG: that is a document
with scripts.
"""

import struct
from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 200 * 1024
MOST_PIXELS: Final = 2048  # on each side
PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG_SIZES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})


@dataclass(frozen=True)
class Picture:
    """A picture's type, and how large it is."""

    content_type: str
    width: int
    height: int


def read_picture(content: bytes) -> Picture | None:
    """What kind of picture it is; None when it is none that we take, or is cut off."""
    try:
        return _png(content) or _jpeg(content) or _webp(content)
    except (struct.error, IndexError):
        return None


def _png(content: bytes) -> Picture | None:
    if (
        not content.startswith(PNG)
        or content[12:16] != b"IHDR"
        or not content.rstrip(b"\0").endswith(b"IEND\xaeB`\x82")
    ):
        return None
    width, height = struct.unpack(">II", content[16:24])
    return Picture("image/png", width, height)


def _jpeg(content: bytes) -> Picture | None:
    """Walks from segment to segment to the one that says how large it is."""
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    place = 2
    while content[place] == 0xFF:  # noqa: PLR2004  # a segment begins
        if content[place + 1] in JPEG_SIZES:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return Picture("image/jpeg", width, height)
        place += 2 + struct.unpack(">H", content[place + 2 : place + 4])[0]
    return None


def _webp(content: bytes) -> Picture | None:
    """https://developers.google.com/speed/webp/docs/riff_container: lossy, lossless or extended."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or struct.unpack("<I", content[4:8])[0] + 8 > len(content):
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        bits = struct.unpack("<I", content[21:25])[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", content[26:30]))
    else:
        return None
    return Picture("image/webp", width, height)
