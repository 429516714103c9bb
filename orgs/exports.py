"""Streams of rows as CSV and JSON."""

import csv
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Final, cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

# A spreadsheet takes a cell that begins like this for a formula, also in the full-width forms (check I10, CWE-1236).
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # they are meant


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: object) -> str:
    """Text that a spreadsheet shows as text: what could begin a formula gets an apostrophe in front."""
    text = str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def csv_lines(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Every cell is quoted, so that no delimiter, quote or line break in it can make another cell or row."""
    writer: Any = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(heads)
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])


def json_lines(rows: Iterable[Any]) -> Iterator[str]:
    """One JSON array, row by row."""
    yield "["
    for number, row in enumerate(rows):
        yield f"{',' if number else ''}\n{json.dumps(row, ensure_ascii=False)}"
    yield "\n]\n"


def download(request: HttpRequest, lines: Iterator[str], *, name: str, content_type: str) -> HttpResponse:
    """A file, sent while it is made. An ASGI server is given what it does not have to wait for in one piece."""
    content = _in_threads(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return cast("HttpResponse", response)


async def _in_threads(lines: Iterator[str]) -> AsyncIterator[str]:
    following = sync_to_async(lambda: list(_some(lines)))
    while some := await following():
        yield "".join(some)


def _some(lines: Iterator[str]) -> Iterator[str]:
    for _number, line in zip(range(200), lines, strict=False):
        yield line
