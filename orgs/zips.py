"""ZIP files that are sent while they are made: nothing of them is ever whole in memory or on a disk."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import cast
from zipfile import ZIP_DEFLATED, ZipFile

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

PIECE = 64 * 1024


class _Pipe:
    """A file without a way back, which hands over what was written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def take(self) -> bytes:
        taken, self.pieces, self.size = b"".join(self.pieces), [], 0
        return taken


def zipped(files: Iterable[tuple[str, Iterable[str]]]) -> Iterator[bytes]:
    """The archive in pieces. Each file is its name and its text, line by line."""
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:  # type: ignore[call-overload]  # a pipe is all that it needs
        for name, lines in files:
            with archive.open(name, "w") as entry:
                for line in lines:
                    entry.write(line.encode("utf-8", "replace"))
                    if pipe.size >= PIECE:
                        yield pipe.take()
    yield pipe.take()


def zip_download(request: HttpRequest, pieces: Iterator[bytes], *, name: str) -> HttpResponse:
    content = _in_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return cast("HttpResponse", response)


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece
