"""What a worker does: claim, execute, sweep."""

from integrations.jobs.claim import Claim, claim_next, has_due
from integrations.jobs.execute import execute
from integrations.jobs.sweep import sweep
from integrations.jobs.webhooks import send_due

__all__ = ["Claim", "claim_next", "execute", "has_due", "send_due", "sweep"]
