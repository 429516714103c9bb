"""Two organizations and everybody around them: what isolation is tested on."""

import time
from dataclasses import dataclass, field

from django.test import Client

from accounts.models import User
from accounts.sessions import BEGAN, SEEN
from orgs.models import Organization
from orgs.models.organizations import MemberStatus
from orgs.permissions import Role
from tests.factories import make_membership, make_organization, make_user

PERSONAS = ("anonymous", "member", "viewer", "admin", "owner", "ex_member", "outsider", "staff")


@dataclass(frozen=True)
class World:
    """Acme with a user for each role, and Globex next to it.

    `outsider` is an admin of Globex; `staff` is of the team that hosts the installation, and a member
    of nothing; `ex_member` has left Acme.
    """

    acme: Organization
    globex: Organization
    people: dict[str, User] = field(repr=False)

    def __getattr__(self, name: str) -> User:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def client(self, persona: str) -> Client:
        """A browser in which that person is signed in; `anonymous` is nobody."""
        client = Client(raise_request_exception=False)
        if persona != "anonymous":
            sign_in(client, self.people[persona])
        return client


def sign_in(client: Client, user: User, *, seconds_ago: float = 0) -> None:
    """As by the password, so long ago."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - seconds_ago}]
    session["account_authentication_methods_user"] = str(user.id)
    session[BEGAN] = session[SEEN] = time.time()
    session.save()


def make_world() -> World:
    people = {name: make_user(name) for name in ("owner_of_acme", "admin_of_acme", "mia", "vera", "eve", "olga")}
    people = dict(zip(("owner", "admin", "member", "viewer", "ex_member", "outsider"), people.values(), strict=True))
    people["staff"] = make_user("sam", is_staff=True)
    acme = make_organization("acme", owner=people["owner"], name="Acme")
    globex = make_organization("globex", name="Globex")
    for role in (Role.ADMIN, Role.MEMBER, Role.VIEWER):
        make_membership(acme, people[role.value], role)
    make_membership(acme, people["ex_member"], Role.ADMIN, status=MemberStatus.LEFT)
    make_membership(globex, people["outsider"], Role.ADMIN)
    return World(acme, globex, people)
