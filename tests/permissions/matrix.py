"""Who gets which answer from which address: written by hand, not computed from the rule.

Two people's understanding must agree. A row is `"URL name": {"METHOD": "codes"}` with one code per
persona, in the order of the heading. HEAD is answered like GET unless it is listed. The methods that
a row does not list are refused: as `OTHER` says where it stands, else as OTHER_METHODS says.

`me:` addresses lead to things of the member's own, `org:` addresses to Acme's, made by the member
(a begun connection: by the admin). `tests/permissions/urls.py` fills in the addresses.

302 for `anonymous` is the way to the sign-in page.
"""

Row = dict[str, str]
PERSONAS = ("anonymous", "member", "viewer", "admin", "owner", "ex_member", "outsider", "staff")
OTHER = "OTHER"
NOT_FOR_ANYBODY = "405 405    405    405   405   405       405      405"
SIGNED_IN_ONLY = " 302 405    405    405   405   405       405      405"
# Whoever holds the permission learns that the method is wrong; everybody else is turned away before that.
MEMBERS_ONLY = "   302 405    405    405   405   404       404      403"
RUNNERS_ONLY = "   302 405    403    405   405   404       404      403"
ADMINS_ONLY = "    302 403    403    405   405   404       404      403"
OWNERS_ONLY = "    302 403    403    403   405   404       404      403"
OTHER_METHODS = {"me": SIGNED_IN_ONLY, "org": MEMBERS_ONLY}

# --- Pages of nobody's
#            anonymous member viewer admin owner ex_member outsider staff
NOBODYS: dict[str, Row] = {
    "home": {"GET": "302   302    302    302   302   302       302      302"},
    "profile": {
        "GET": "     302   200    200    200   200   200       200      200",
        "POST": "    302   422    422    422   422   422       422      422",  # an empty form
    },
    "leave_installation": {
        "GET": "     302   200    200    200   200   200       200      200",
        "POST": "    302   422    422    422   422   422       422      422",  # without the typed confirmation
    },
    # of a domain that nobody here has an address at
    "join": {"POST": "302  404    404    404   404   404       404      404"},
    "first_steps": {"POST": "302 302 302 302 302 302 302 302"},
    "theme": {"POST": "302 400    400    400   400   400       400      400"},  # no theme named
    "organization_create": {
        "GET": "     302   200    200    200   200   200       200      200",
        "POST": "    302   422    422    422   422   422       422      422",  # an empty form
    },
    # every link, real or invented, leads to the same page, which says nothing to strangers
    "invitation_link": {
        "GET": "     302   302    302    302   302   302       302      302",
        OTHER: NOT_FOR_ANYBODY,
    },
    "invitation": {"GET": "200 200  200    200   200   200       200      200", OTHER: NOT_FOR_ANYBODY},
    # nobody here has followed a link; tests/orgs/test_joining.py has the people who have
    "invitation_accept": {"POST": "302 404 404 404 404 404 404 404"},
    # an end user's link is for whoever has it, until one browser has taken it; nobody here has one
    "end_user_link": {
        "GET": "404 404 404 404 404 404 404 404",
        "POST": "404 404 404 404 404 404 404 404",
        OTHER: NOT_FOR_ANYBODY,
    },
    "end_user_identity": {
        "GET": "404 404 404 404 404 404 404 404",
        "POST": "404 404 404 404 404 404 404 404",
        OTHER: NOT_FOR_ANYBODY,
    },
    "notices": {"GET": "302 200   200    200   200   200       200      200"},
    "notices_read": {"POST": "302 302 302 302 302 302 302 302"},
    "notice_open": {"POST": "302 302 404 404 404 404 404 404"},  # the member's
    "search": {"GET": "302 200    200    200   200   200       200      200"},
    # a callback without a state is nobody's: signing in first, then refused
    "oauth_callback": {
        "GET": "     302   403    403    403   403   403       403      403",
        "HEAD": NOT_FOR_ANYBODY,  # an answer is used up once, by a person's browser
        OTHER: NOT_FOR_ANYBODY,
    },
    "api_docs": {"GET": "302 200 200 200 200 200 200 200"},
    # an invented link; the people whose link it is are in tests/integrations/views/test_links.py
    "connect_link": {"GET": "302 404 404 404 404 404 404 404"},
    "connect_link_done": {"GET": "302 404 404 404 404 404 404 404"},
    # MCP clients on their way in: without a client or a body nobody gets anywhere; see tests/integrations/mcp
    "oauth_metadata": {"GET": "200 200 200 200 200 200 200 200", OTHER: NOT_FOR_ANYBODY},
    "oauth_authorize": {
        "GET": "     302   400    400    400   400   400       400      400",
        "POST": "    302   400    400    400   400   400       400      400",
    },
    "oauth_exchange": {"POST": "400 400 400 400 400 400 400 400", OTHER: NOT_FOR_ANYBODY},
    "oauth_revoke": {"POST": "400 400 400 400 400 400 400 400", OTHER: NOT_FOR_ANYBODY},
    "oauth_register": {"POST": "400 400 400 400 400 400 400 400", OTHER: NOT_FOR_ANYBODY},
    "toolkit_logo": {"GET": "200 200  200    200   200   200       200      200", OTHER: NOT_FOR_ANYBODY},
    "styleguide": {
        "GET": "200 200    200    200   200   200       200      200",
        OTHER: NOT_FOR_ANYBODY,
    },  # not in production
}
# Probes answer every method alike: monitoring tools differ.
PROBES: dict[str, Row] = {
    name: dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), "200 200 200 200 200 200 200 200")
    for name in ("healthz", "readyz")
}

# --- /me/…: everybody's own pages; the things behind an ID are the member's, and nobody else's
EVERYBODYS_OWN = "302 200  200    200   200   200       200      200"
THE_MEMBERS = "   302 200  404    404   404   404       404      404"
DONE_BY_THE_MEMBER = "302 302 404 404  404   404       404      404"
ME: dict[str, Row] = {
    "me:home": {"GET": EVERYBODYS_OWN},
    "me:tools": {"GET": EVERYBODYS_OWN},
    "me:tool": {"GET": EVERYBODYS_OWN, "POST": EVERYBODYS_OWN},  # POST shows the form again, it runs nothing
    "me:tool_run": {
        "GET": "      302 302  302    302   302   302       302      302",  # to the tool's page
        "POST": "     302 422  422    422   422   422       422      422",  # without its required argument
    },
    "me:tool_dry_run": {
        "GET": "      302 302  302    302   302   302       302      302",  # to the tool's page
        "POST": "     302 422  422    422   422   422       422      422",  # without its required argument
    },
    "me:explain": {"GET": EVERYBODYS_OWN},
    "me:connections": {"GET": EVERYBODYS_OWN},
    "me:connect": {"GET": EVERYBODYS_OWN},
    "me:connect_toolkit": {
        "GET": EVERYBODYS_OWN,
        "POST": "     302 422  422    422   422   422       422      422",  # no way of connecting chosen
    },
    "me:connection_confirm": {"GET": THE_MEMBERS, "POST": DONE_BY_THE_MEMBER},
    "me:connection": {"GET": THE_MEMBERS},
    "me:connection_rename": {"POST": DONE_BY_THE_MEMBER},
    "me:connection_default": {"GET": THE_MEMBERS, "POST": DONE_BY_THE_MEMBER},
    "me:connection_pause": {"GET": THE_MEMBERS, "POST": DONE_BY_THE_MEMBER},
    "me:connection_resume": {"POST": DONE_BY_THE_MEMBER},
    "me:connection_disconnect": {"GET": THE_MEMBERS, "POST": DONE_BY_THE_MEMBER},
    "me:requests": {"GET": EVERYBODYS_OWN},
    "me:runs": {"GET": EVERYBODYS_OWN},
    "me:runs_call_off": {"GET": EVERYBODYS_OWN, "POST": EVERYBODYS_OWN},  # names no preview, so it shows one
    "me:run": {"GET": THE_MEMBERS},
    "me:run_status": {"GET": THE_MEMBERS},
    "me:run_events": {"GET": THE_MEMBERS, "HEAD": SIGNED_IN_ONLY},
    "me:run_again": {"POST": DONE_BY_THE_MEMBER},
    "me:run_cancel": {"POST": DONE_BY_THE_MEMBER},
    "me:run_download": {"GET": THE_MEMBERS},
    "me:sessions": {"GET": EVERYBODYS_OWN},
    "me:session_new": {
        "GET": EVERYBODYS_OWN,
        "POST": "     302 422  422    422   422   422       422      422",  # an empty form
    },
    "me:session": {"GET": THE_MEMBERS},
    "me:session_change": {
        "GET": THE_MEMBERS,
        "POST": "     302 422  404    404   404   404       404      404",  # an empty form
    },
    "me:session_end": {"GET": THE_MEMBERS, "POST": DONE_BY_THE_MEMBER},
    "me:data": {"GET": EVERYBODYS_OWN, "HEAD": SIGNED_IN_ONLY},  # an export leaves a record: not by looking
    "me:deletion_reports": {"GET": EVERYBODYS_OWN},
    "me:deletion_report": {"GET": THE_MEMBERS},
    "me:api_keys": {"GET": EVERYBODYS_OWN},
    "me:api_key_new": {
        "GET": EVERYBODYS_OWN,
        "POST": "     302 422  422    422   422   422       422      422",  # an empty form
    },
    "me:api_clients": {"GET": EVERYBODYS_OWN},
    "me:api_client_revoke": {"GET": THE_MEMBERS, "POST": DONE_BY_THE_MEMBER},
    "me:api_key": {"GET": THE_MEMBERS},
    "me:api_key_rotate": {
        "GET": THE_MEMBERS,
        "POST": "     302 422  404    404   404   404       404      404",  # no lifetime chosen
    },
    "me:api_key_revoke": {"GET": THE_MEMBERS, "POST": DONE_BY_THE_MEMBER},
    "me:api_key_keep": {"POST": DONE_BY_THE_MEMBER},
    "me:audit": {"GET": EVERYBODYS_OWN},
    "me:audit_csv": {"GET": EVERYBODYS_OWN, "HEAD": SIGNED_IN_ONLY},  # an export leaves a record: not by looking
    "me:audit_json": {"GET": EVERYBODYS_OWN, "HEAD": SIGNED_IN_ONLY},
    "me:audit_event": {"GET": THE_MEMBERS},
}

# --- /orgs/<org>/…: Acme's pages. Strangers get 404, staff without membership 403.
#               anonymous member viewer admin owner ex_member outsider staff
EVERY_MEMBER = "302       200    200    200   200   404       404      403"
FOR_ADMINS = "  302       403    403    200   200   404       404      403"
FOR_OWNERS = "  302       403    403    403   200   404       404      403"
ORG: dict[str, Row] = {
    "org:home": {"GET": EVERY_MEMBER},
    "org:members": {"GET": EVERY_MEMBER},
    "org:access": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:handed_over": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:handed_over_csv": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    # not handed over: 302 with the reason as a message
    "org:handed_over_finish": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:settings": {
        "GET": EVERY_MEMBER,
        "POST": " 302       403    403    403   422   404       404      403",  # an empty form
    },
    "org:logo": {"GET": EVERY_MEMBER},
    "org:logo_change": {"POST": "302 403 403 403 422 404 404 403", OTHER: OWNERS_ONLY},  # no file
    "org:domain_add": {"POST": " 302 403 403 403 422 404 404 403", OTHER: OWNERS_ONLY},  # an empty form
    "org:domain_remove": {"POST": "302 403 403 403 302 404 404 403", OTHER: OWNERS_ONLY},
    "org:ownership": {"GET": EVERY_MEMBER},
    "org:transfer": {  # to nobody in particular
        OTHER: OWNERS_ONLY,
        "GET": "  302       403    403    403   404   404       404      403",
        "POST": " 302       403    403    403   404   404       404      403",
    },
    "org:data": {"GET": FOR_OWNERS, "HEAD": OWNERS_ONLY, OTHER: OWNERS_ONLY},  # an export leaves a record
    "org:deletion": {
        OTHER: OWNERS_ONLY,
        "GET": FOR_OWNERS,
        "POST": " 302       403    403    403   422   404       404      403",  # without the typed confirmation
    },
    "org:deletion_stop": {"POST": "302 403 403 403 409 404 404 403", OTHER: OWNERS_ONLY},  # not announced
    "org:settings_rules": {
        OTHER: OWNERS_ONLY,
        "POST": " 302       403    403    403   422   404       404      403",  # an empty form
    },
    "org:factor": {
        OTHER: OWNERS_ONLY,
        "GET": FOR_OWNERS,
        "POST": " 302       403    403    403   302   404       404      403",  # as it was
    },
    "org:support": {
        "GET": EVERY_MEMBER,
        "POST": " 302       403    403    403   422   404       404      403",  # an empty form
    },
    # 302 with a word that it is over; tests/orgs/test_support_grants.py has one that runs
    "org:support_extend": {"POST": "302 403 403 403 302 404 404 403"},
    "org:support_end": {"POST": "   302 403 403 403 302 404 404 403"},
    "org:leave": {
        "GET": EVERY_MEMBER,
        "POST": " 302       302    302    302   409   404       404      403",  # the only owner stays
    },
    "org:invite": {
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   200   404       404      403",
        "POST": " 302       403    403    422   422   404       404      403",  # no addresses
    },
    "org:invitations": {"GET": "302 403 403 200 200 404 404 403", OTHER: ADMINS_ONLY},
    "org:invitation_resend": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:invitation_revoke": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    # the member's place
    "org:member_role": {
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   200   404       404      403",
        "POST": " 302       403    403    422   422   404       404      403",  # no role named
    },
    "org:member_suspend": {
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   200   404       404      403",
        "POST": " 302       403    403    302   302   404       404      403",
    },
    # 409: not suspended; `test_suspension_is_lifted_by_an_admin` has the member who is
    "org:member_lift": {"POST": "302 403 403 409 409 404 404 403", OTHER: ADMINS_ONLY},
    "org:member_remove": {
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   200   404       404      403",
        "POST": " 302       403    403    302   302   404       404      403",
    },
    "org:tools": {"GET": EVERY_MEMBER},
    "org:tool": {"GET": EVERY_MEMBER, "POST": EVERY_MEMBER},  # POST shows the form again, it runs nothing
    "org:tool_run": {
        OTHER: RUNNERS_ONLY,
        "GET": "  302       302    403    302   302   404       404      403",
        "POST": " 302       422    403    422   422   404       404      403",  # without its required argument
    },
    "org:tool_dry_run": {
        OTHER: RUNNERS_ONLY,
        "GET": "  302       302    403    302   302   404       404      403",
        "POST": " 302       422    403    422   422   404       404      403",  # without its required argument
    },
    "org:explain": {"GET": EVERY_MEMBER},
    "org:connections": {"GET": EVERY_MEMBER},
    "org:connect": {"GET": EVERY_MEMBER},
    "org:connect_toolkit": {
        "GET": EVERY_MEMBER,  # members see what an admin would be asked
        "POST": " 302       403    403    422   422   404       404      403",
    },
    "org:connection_confirm": {  # only for the admin who began it
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   404   404       404      403",
        "POST": " 302       403    403    302   404   404       404      403",
    },
    "org:connection": {"GET": EVERY_MEMBER},
    "org:connection_rename": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:connection_default": {"GET": FOR_ADMINS, "POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:connection_pause": {"GET": FOR_ADMINS, "POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:connection_resume": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:connection_disconnect": {
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   200   404       404      403",
        "POST": " 302       403    403    422   422   404       404      403",  # without the typed confirmation
    },
    "org:requests": {"GET": EVERY_MEMBER},
    "org:request_new": {  # viewers run nothing, so they ask for nothing
        OTHER: RUNNERS_ONLY,
        "GET": "  302       200    403    200   200   404       404      403",
        "POST": " 302       422    403    422   422   404       404      403",  # no toolkit named
    },
    "org:request": {  # the member's: theirs and the admins' to see
        "GET": "  302       200    404    200   200   404       404      403",
        "POST": " 302       422    404    422   422   404       404      403",  # no decision named
    },
    "org:runs": {"GET": EVERY_MEMBER},
    "org:runs_call_off": {"GET": EVERY_MEMBER, "POST": EVERY_MEMBER},
    "org:run": {"GET": EVERY_MEMBER},
    "org:run_status": {"GET": EVERY_MEMBER},
    "org:run_events": {"GET": EVERY_MEMBER, "HEAD": MEMBERS_ONLY},
    # 302 with the reason as a message for those who may look but not touch;
    # `test_viewer_cannot_call_off_or_repeat_somebodys_run` shows that nothing happens
    "org:run_again": {"POST": "302 302 302 302 302 404 404 403"},
    "org:run_cancel": {"POST": "302 302 302 302 302 404 404 403"},
    # results: the member's own, and admins'; a viewer sees that it happened
    "org:run_download": {"GET": "302 200 403 200 200 404 404 403"},
    "org:sessions": {"GET": EVERY_MEMBER},
    "org:session_new": {
        OTHER: RUNNERS_ONLY,
        "GET": "  302       200    403    200   200   404       404      403",
        "POST": " 302       422    403    422   422   404       404      403",  # an empty form
    },
    "org:session": {"GET": EVERY_MEMBER},
    # the member made it: they and admins
    "org:session_change": {
        "GET": "  302       200    403    200   200   404       404      403",
        "POST": " 302       422    403    422   422   404       404      403",  # an empty form
    },
    "org:session_end": {
        "GET": "  302       200    403    200   200   404       404      403",
        "POST": " 302       302    403    302   302   404       404      403",
    },
    "org:policies": {"GET": EVERY_MEMBER},
    "org:policy_change": {
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   200   404       404      403",
        "POST": " 302       403    403    422   422   404       404      403",  # nothing chosen
    },
    "org:policy_grant": {
        OTHER: ADMINS_ONLY,
        "GET": "  302       403    403    200   200   404       404      403",
        "POST": " 302       403    403    422   422   404       404      403",  # nothing chosen
    },
    "org:policy_end": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:approvals": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    # the member's run, which waits
    "org:approval_approve": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:approval_deny": {"POST": "302 403 403 422 422 404 404 403", OTHER: ADMINS_ONLY},  # no reason given
    "org:api_keys": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:api_key_new": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    "org:api_clients": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:api_client_revoke": {"GET": FOR_ADMINS, "POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:api_key": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:api_key_rotate": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # no lifetime chosen
    },
    "org:api_key_revoke": {"GET": FOR_ADMINS, "POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:api_key_keep": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:auth_configs": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:auth_config_new": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    "org:auth_config": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:auth_config_change": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    "org:auth_config_enable": {"POST": " 302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:auth_config_disable": {"POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:auth_config_check": {"POST": "  302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:auth_config_delete": {"GET": FOR_ADMINS, "POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:webhooks": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:webhook_new": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    "org:webhook": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:webhook_change": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    # 200: the new secret, once
    "org:webhook_rotate": {"GET": FOR_ADMINS, "POST": "302 403 403 200 200 404 404 403", OTHER: ADMINS_ONLY},
    "org:webhook_pause": {"POST": "  302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:webhook_resume": {"POST": " 302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:webhook_test": {"POST": "   302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:webhook_delete": {"GET": FOR_ADMINS, "POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:webhook_delivery": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:webhook_replay": {"POST": " 302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:applications": {"GET": EVERY_MEMBER},
    "org:application_new": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    "org:application": {"GET": EVERY_MEMBER},
    "org:application_change": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    "org:application_key_new": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # an empty form
    },
    "org:end_user": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:end_user_delete": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # without the typed confirmation
    },
    "org:application_delete": {
        OTHER: ADMINS_ONLY,
        "GET": FOR_ADMINS,
        "POST": " 302       403    403    422   422   404       404      403",  # without the typed confirmation
    },
    "org:application_end": {"GET": FOR_ADMINS, "POST": "302 403 403 302 302 404 404 403", OTHER: ADMINS_ONLY},
    "org:audit": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
    "org:audit_csv": {"GET": FOR_ADMINS, "HEAD": ADMINS_ONLY, OTHER: ADMINS_ONLY},
    "org:audit_json": {"GET": FOR_ADMINS, "HEAD": ADMINS_ONLY, OTHER: ADMINS_ONLY},
    "org:audit_event": {"GET": FOR_ADMINS, OTHER: ADMINS_ONLY},
}

AREAS: tuple[dict[str, Row], ...] = (NOBODYS, PROBES, ME, ORG)

# Addresses that are not ours to write rows for, by the beginning of their path, each with the reason.
GROUPS: dict[str, str] = {
    "admin/": "Django's admin site: tests/accounts/test_admin.py goes through it; here, that strangers stay outside",
    "accounts/": "allauth's pages, covered by its own tests; here, that none breaks and strangers stay outside",
    "api/": "the HTTP API, which asks for a key and not for a session: tests/permissions/test_api_matrix.py",
    "sandbox/": "the pretend provider, which has no users of ours: tests/integrations/sandbox",
}
# allauth's pages that anybody may open; all others send strangers away.
OPEN_TO_ALL = frozenset(
    {
        "account_login",
        "account_logout",  # asks, or leads away
        "account_signup",
        "account_inactive",
        "account_email_verification_sent",
        "account_confirm_email",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "mfa_login_webauthn",
    }
)
