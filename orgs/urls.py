"""Addresses of organizations. What lives under `/orgs/<org>/` alone is in `organization_patterns`."""

from django.urls import path

from orgs.views import (
    audit,
    domains,
    home,
    invitations,
    joining,
    logos,
    members,
    notices,
    organizations,
    ownership,
    settings,
    support,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("orgs/new/", organizations.create, name="organization_create"),
    path("orgs/join/<str:domain_id>/", domains.join, name="join"),
    path("invitations/<str:token>/", joining.link, name="invitation_link"),
    path("invitation/", joining.invitation, name="invitation"),
    path("invitation/accept/", joining.accept, name="invitation_accept"),
    path("notices/", notices.index, name="notices"),
    path("notices/read/", notices.read_all, name="notices_read"),
    path("notices/<str:notice_id>/open/", notices.open_one, name="notice_open"),
]
# Under both, `/me/` and `/orgs/<org>/`.
audit_patterns = [
    path("audit/", audit.index, name="audit"),
    path("audit/audit.csv", audit.as_csv, name="audit_csv"),
    path("audit/audit.json", audit.as_json, name="audit_json"),
    path("audit/<str:event_id>/", audit.detail, name="audit_event"),
]
organization_patterns = [
    *audit_patterns,
    path("settings/", settings.settings, name="settings"),
    path("settings/rules/", settings.rules, name="settings_rules"),
    path("settings/support/", support.index, name="support"),
    path("settings/support/<str:grant_id>/extend/", support.extend, name="support_extend"),
    path("settings/support/<str:grant_id>/end/", support.end, name="support_end"),
    path("settings/two-factor/", settings.factor, name="factor"),
    path("settings/ownership/", ownership.index, name="ownership"),
    path("settings/ownership/transfer/", ownership.transfer, name="transfer"),
    path("settings/ownership/delete/stop/", ownership.stop, name="deletion_stop"),
    path("settings/logo/", logos.change, name="logo_change"),
    path("settings/domains/", domains.add, name="domain_add"),
    path("settings/domains/<str:domain_id>/remove/", domains.remove, name="domain_remove"),
    path("logo/", logos.logo, name="logo"),
    path("members/", members.index, name="members"),
    path("members/invite/", invitations.new, name="invite"),
    path("members/invitations/", invitations.index, name="invitations"),
    path("members/invitations/<str:invitation_id>/resend/", invitations.resend, name="invitation_resend"),
    path("members/invitations/<str:invitation_id>/revoke/", invitations.revoke, name="invitation_revoke"),
    path("members/<str:member_id>/lift/", members.lift, name="member_lift"),
]
