from orgs.models.api_keys import ApiKey
from orgs.models.applications import Application, EndUser
from orgs.models.audit import AuditChain, AuditEvent, AuditLink
from orgs.models.deletions import Deletion, RevokedAccount
from orgs.models.domains import JoinDomain
from orgs.models.invitations import Invitation
from orgs.models.logos import Logo
from orgs.models.notices import Notice
from orgs.models.oauth import OAuthClient, OAuthSecret
from orgs.models.organizations import Membership, Organization
from orgs.models.owners import Owner
from orgs.models.support import SupportGrant

__all__ = [
    "ApiKey",
    "Application",
    "AuditChain",
    "AuditEvent",
    "AuditLink",
    "Deletion",
    "EndUser",
    "Invitation",
    "JoinDomain",
    "Logo",
    "Membership",
    "Notice",
    "OAuthClient",
    "OAuthSecret",
    "Organization",
    "Owner",
    "RevokedAccount",
    "SupportGrant",
]
