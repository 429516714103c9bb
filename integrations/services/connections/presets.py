"""What members may do through a newly connected account of their organization: chosen when it is connected."""

from datetime import datetime

from integrations.models import ConnectedAccount
from integrations.queries.policies import PolicyTarget
from integrations.queries.policy_matrix import PRESETS
from integrations.services.policies import set_policies
from orgs.permissions import Actor, OwnerRef


def apply_preset(*, actor: Actor, owner: OwnerRef, account: ConnectedAccount, preset: str, now: datetime) -> None:
    """Make the rules of a preset, for everybody, about this account.

    A person's own account has no policies. "Custom" makes none: whoever connects goes on to the policies.
    """
    chosen = next((one for one in PRESETS if one.key == preset), None)
    if owner.is_organization and chosen is not None and any(chosen.verdicts.values()):
        target = PolicyTarget(account=account)
        set_policies(actor=actor, owner=owner, target=target, verdicts=chosen.verdicts, now=now)
