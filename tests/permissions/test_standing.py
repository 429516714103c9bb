"""Who may hand out which role, and what a change of role means: written out by hand."""

import pytest

from orgs.member_rows import reason_against, roles_to_give
from orgs.permissions import GRANTS, PERMISSION_LABELS, Role, may_hand_out, role_change

# the role one has: the roles one may give and take
TABLE = {None: "", Role.VIEWER: "", Role.MEMBER: "", Role.ADMIN: "amv", Role.OWNER: "oamv"}


@pytest.mark.parametrize("mine", TABLE)
@pytest.mark.parametrize("theirs", Role)
def test_only_owners_make_owners_and_only_admins_make_anybody(mine: Role | None, theirs: Role) -> None:
    expected = theirs.value[0] in TABLE[mine]

    assert may_hand_out(mine, theirs) is expected
    assert (theirs.value in dict(roles_to_give(mine))) is expected
    assert (reason_against(mine, theirs) == "") is expected


@pytest.mark.parametrize("before", Role)
@pytest.mark.parametrize("after", Role)
def test_change_of_role_is_the_difference_of_the_grants(before: Role, after: Role) -> None:
    change = role_change(before, after)

    assert set(change.gained) == {PERMISSION_LABELS[one] for one in GRANTS[after] - GRANTS[before]}
    assert set(change.lost) == {PERMISSION_LABELS[one] for one in GRANTS[before] - GRANTS[after]}
    assert (change.before, change.after) == (before, after)


def test_change_from_member_to_viewer_loses_running_tools() -> None:
    change = role_change(Role.MEMBER, Role.VIEWER)

    lost = ("Run tools as the organization", "Ask for a connection, or for access to one")
    assert (change.gained, change.lost) == ((), lost)


def test_reason_names_who_can() -> None:
    assert reason_against(Role.ADMIN, Role.OWNER) == "Only an owner can change an owner."
    assert reason_against(Role.MEMBER) == "This needs the role owner or admin."
