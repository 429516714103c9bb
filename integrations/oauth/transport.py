"""A hard limit on how long a token call may take and how much may come back.

Read time-outs alone do not end an answer that drips one byte a second, and Authlib reads bodies whole.
The caller's transport does the connecting and guards the address.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import cast

import httpx2

MAX_BYTES = 256 * 1024  # real token answers are below 8 KB
_GZIP_OR_ZLIB = 47  # zlib's window size that recognises either header


class BoundedTransport(httpx2.BaseTransport):
    """Reads the whole answer through `inner`, before a deadline and below a size. Does not own `inner`."""

    def __init__(self, inner: httpx2.BaseTransport, *, deadline: float) -> None:
        self._inner = inner
        self._ends_at = time.monotonic() + deadline

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        remaining = self._remaining(request)
        request.extensions = {**request.extensions, "timeout": httpx2.Timeout(remaining).as_dict()}
        response = self._inner.handle_request(request)
        try:
            body = b"".join(self._chunks(request, response))
        finally:
            response.close()
        headers = httpx2.Headers(response.headers)
        encoding = headers.pop("Content-Encoding", "identity")
        headers.pop("Transfer-Encoding", None)
        headers["Content-Length"] = str(len(body := _decoded(request, body, encoding)))
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)

    def _remaining(self, request: httpx2.Request) -> float:
        remaining = self._ends_at - time.monotonic()
        if remaining <= 0:
            raise httpx2.ReadTimeout("The deadline has passed.", request=request)
        return remaining

    def _chunks(self, request: httpx2.Request, response: httpx2.Response) -> Iterator[bytes]:
        size = 0
        for chunk in cast("httpx2.SyncByteStream", response.stream):
            size += len(chunk)
            if size > MAX_BYTES:
                raise httpx2.DecodingError("The answer is too large.", request=request)
            self._remaining(request)
            yield chunk


def _decoded(request: httpx2.Request, body: bytes, encoding: str) -> bytes:
    """We ask for a plain body; some front servers compress all the same, so bombs are stopped here."""
    if encoding.lower() in {"", "identity"}:
        return body
    if encoding.lower() not in {"gzip", "deflate"}:
        raise httpx2.DecodingError("The answer is compressed in a way we did not ask for.", request=request)
    try:
        plain = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(body, MAX_BYTES + 1)
    except zlib.error as error:
        raise httpx2.DecodingError("The answer is not compressed as it says.", request=request) from error
    if len(plain) > MAX_BYTES:
        raise httpx2.DecodingError("The answer is too large.", request=request)
    return plain
