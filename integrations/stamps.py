"""How a moment is written for programs: in answers of the API, over MCP and in webhooks alike."""

from datetime import UTC, datetime


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
