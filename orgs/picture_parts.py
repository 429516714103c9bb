"""A picture without what is not the picture: where and with what it was taken, comments, previews, what hangs behind.

It is copied part by part, and only the parts on a list are copied. Nothing is decoded, so no decoder can be attacked.
"""

import struct
from collections.abc import Iterator
from typing import Final

PNG_HEAD: Final = 8
# PNG, third edition, chapter 11: what one needs in order to show it. That is not text, time, EXIF or a colour profile.
PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"gAMA", b"sRGB", b"IEND"})
# ITU T.81, table B.1. APP0 of JFIF says what the pixels are, APP14 of Adobe how the colours are meant, each at its
# beginning. The other APPs and COM are anybody's words.
JPEG_APP0, JPEG_APP14, JPEG_COMMENT, JPEG_SCAN, JPEG_END = 0xE0, 0xEE, 0xFE, 0xDA, 0xD9
JPEG_APPS: Final = range(0xE0, 0xF0)
JPEG_IN_SCAN: Final = frozenset({0x00, *range(0xD0, 0xD8)})  # a stuffed FF, and restarts
JFIF_LENGTH, ADOBE_LENGTH = 12, 12  # without the preview; without anything behind it
# https://developers.google.com/speed/webp/docs/riff_container. The frames of an animation are copied as they are.
WEBP_KEPT: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
WEBP_ALPHA_AND_ANIMATION: Final = 0x10 | 0x02  # of the flags: profile, EXIF and XMP are not there any more


def bare_picture(content: bytes, content_type: str) -> bytes | None:
    """The picture alone; None when it is cut off, or not put together as it should be."""
    copies = {"image/png": _bare_png, "image/jpeg": _bare_jpeg, "image/webp": _bare_webp}
    try:
        return copies[content_type](content)
    except (struct.error, IndexError):
        return None


def _bare_png(content: bytes) -> bytes | None:
    kept, place, kind = [content[:PNG_HEAD]], PNG_HEAD, b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        end = place + 12 + length  # length, kind, data, checksum
        if end > len(content):
            return None
        if kind in PNG_KEPT:
            kept.append(content[place:end])
        place = end
    return b"".join(kept)


def _bare_jpeg(content: bytes) -> bytes | None:
    kept, place = [content[:2]], 2
    while True:
        if content[place] != 0xFF:  # noqa: PLR2004  # a segment begins
            return None
        marker = content[place + 1]
        if marker == JPEG_END:
            return b"".join([*kept, content[place : place + 2]])
        end = place + 2 + struct.unpack(">H", content[place + 2 : place + 4])[0]
        if marker == JPEG_SCAN:
            end = _end_of_scan(content, end)
        kept.append(_jpeg_segment(marker, content[place:end]))
        place = end


def _jpeg_segment(marker: int, segment: bytes) -> bytes:
    if marker == JPEG_APP0 and segment[4:9] == b"JFIF\0":
        return b"\xff\xe0\x00\x10" + segment[4 : 4 + JFIF_LENGTH] + b"\0\0"
    if marker == JPEG_APP14 and segment[4:9] == b"Adobe":
        return b"\xff\xee\x00\x0e" + segment[4 : 4 + ADOBE_LENGTH]
    return b"" if marker == JPEG_COMMENT or marker in JPEG_APPS else segment


def _end_of_scan(content: bytes, place: int) -> int:
    """Where the next marker is that is not a part of the pixels."""
    while content[place] != 0xFF or content[place + 1] in JPEG_IN_SCAN:  # noqa: PLR2004  # what markers begin with
        place += 1
    return place


def _bare_webp(content: bytes) -> bytes | None:
    end = 8 + struct.unpack("<I", content[4:8])[0]
    body = b"".join(_webp_chunks(content[:end]))
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _webp_chunks(content: bytes) -> Iterator[bytes]:
    place = 12
    while place < len(content):
        kind, length = struct.unpack("<4sI", content[place : place + 8])
        data = content[place + 8 : place + 8 + length]
        if len(data) < length:
            raise IndexError("The last chunk is cut off.")
        if kind == b"VP8X":
            data = bytes([data[0] & WEBP_ALPHA_AND_ANIMATION]) + data[1:]
        if kind in WEBP_KEPT:
            yield content[place : place + 8] + data + b"\0" * (length % 2)
        place += 8 + length + length % 2
