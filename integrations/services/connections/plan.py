"""What a person agreed to before anything happens."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class ConnectionPlan:
    """What was approved on the consent page."""

    toolkit: str
    auth_config_id: UUID
    alias: str = ""
    reconnects: UUID | None = None
    link: UUID | None = None  # the connect link that led here
    return_path: str = ""  # a path of ours, checked by the door
    tool: str = ""  # a tool that must be able to run afterwards, although it may need more than the usual
    consent_request: UUID | None = None  # what members asked for, which this is to answer
    preset: str = ""  # of policies that the account begins with
