"""Read a response body to the cap, counted after decompression: a gzip bomb stops where it would grow."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from integrations.engine.errors import Interrupted

ACCEPTED_ENCODINGS = "gzip, deflate"
ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
RAW_DEFLATE = -zlib.MAX_WBITS  # what some servers send as "deflate" (RFC 9110, 8.4.1.2)


class _Inflater:
    def __init__(self, encoding: str) -> None:
        self._zlib = zlib.decompressobj(ZLIB_OR_GZIP)
        self._may_be_raw = encoding == "deflate"

    def feed(self, data: bytes, room: int) -> bytes:
        """At most `room` bytes. What stays unconsumed then does not matter: the caller stops there."""
        try:
            out = self._zlib.decompress(data, room)
        except zlib.error:
            if not self._may_be_raw:
                raise
            self._zlib = zlib.decompressobj(RAW_DEFLATE)
            out = self._zlib.decompress(data, room)
        self._may_be_raw = False
        return out

    @property
    def is_complete(self) -> bool:
        return self._zlib.eof


def read_body(chunks: Iterable[bytes], encoding: str, max_bytes: int) -> tuple[bytes, bool]:
    """The body and whether it was cut at the cap. An encoding we did not ask for stays as it is."""
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _read_inflated(chunks, _Inflater(encoding), max_bytes)
    return _read_plain(chunks, max_bytes)


def _read_plain(chunks: Iterable[bytes], max_bytes: int) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            return bytes(body[:max_bytes]), True
    return bytes(body), False


def _read_inflated(chunks: Iterable[bytes], inflater: _Inflater, max_bytes: int) -> tuple[bytes, bool]:
    body = bytearray()
    arrived = False
    for chunk in chunks:
        arrived = True
        body += inflater.feed(chunk, max_bytes + 1 - len(body))
        if len(body) > max_bytes:
            return bytes(body[:max_bytes]), True
    if arrived and not inflater.is_complete:
        raise Interrupted("body_cut", "The provider's answer broke off before its end.")
    return bytes(body), False
