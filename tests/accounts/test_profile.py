"""The profile page: name, username, theme, and the way to everything about signing in."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import UsernameTakenError, update_profile
from tests.factories import make_user

pytestmark = pytest.mark.django_db
VALUES = {"name": "Ada Lovelace", "username": "ada.lovelace", "theme": "dark"}


@pytest.fixture
def ada(client: Client) -> User:
    user = make_user("ada")
    client.force_login(user)
    return user


def test_profile_shows_the_user_id_and_the_ways_to_sign_in(ada: User, client: Client) -> None:
    page = client.get("/profile/").content.decode()

    assert ada.text_id in page
    for address in ("/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"):
        assert address in page


def test_profile_saves_and_remembers_the_theme(ada: User, client: Client) -> None:
    response = client.post("/profile/", VALUES)

    ada.refresh_from_db()
    assert response.status_code == 302
    assert (ada.name, ada.username, ada.theme) == ("Ada Lovelace", "ada.lovelace", "dark")
    assert client.cookies["theme"].value == "dark"
    assert 'data-theme="dark"' in client.get("/profile/").content.decode()


def test_profile_follows_the_device_again(ada: User, client: Client) -> None:
    client.post("/profile/", VALUES)

    client.post("/profile/", {**VALUES, "theme": "system"})

    assert "data-theme=" not in client.get("/profile/").content.decode().split(">")[1]


@pytest.mark.parametrize("username", ["default", "ada@example.com", "org_0123456789abcdef", "x"])
def test_profile_refuses_a_bad_username_and_says_why(ada: User, client: Client, username: str) -> None:
    response = client.post("/profile/", {**VALUES, "username": username})

    ada.refresh_from_db()
    assert response.status_code == 422
    assert ada.username == "ada"


def test_profile_refuses_a_username_that_somebody_has(ada: User, client: Client) -> None:
    make_user("grace")

    response = client.post("/profile/", {**VALUES, "username": "GRACE"})

    ada.refresh_from_db()
    assert response.status_code == 422
    assert "This username is taken" in response.content.decode()
    assert ada.username == "ada"


def test_profile_ignores_fields_that_it_does_not_have(ada: User, client: Client) -> None:
    client.post("/profile/", {**VALUES, "is_staff": "on", "is_superuser": "1", "email": "evil@example.com", "id": "1"})

    ada.refresh_from_db()
    assert ada.name == "Ada Lovelace"
    assert (ada.is_staff, ada.is_superuser, ada.email) == (False, False, "ada@example.com")


def test_given_up_username_is_free_and_means_its_new_holder(ada: User) -> None:
    update_profile(actor=ada, name="", username="lovelace", theme="system")
    grace = make_user("grace")

    update_profile(actor=grace, name="", username="ada", theme="system")

    assert User.objects.get(username="ada") == grace


def test_update_profile_leaves_the_user_as_they_were_when_the_name_is_taken(ada: User) -> None:
    make_user("grace")

    with pytest.raises(UsernameTakenError):
        update_profile(actor=ada, name="X", username="grace", theme="dark")

    assert (ada.name, ada.username, ada.theme) == ("", "ada", "system")


def test_theme_switch_saves_for_the_next_device(ada: User, client: Client) -> None:
    response = client.post("/profile/theme/", {"theme": "light"})

    ada.refresh_from_db()
    assert response.status_code == 204
    assert ada.theme == "light"
    assert client.cookies["theme"].value == "light"


def test_theme_switch_refuses_another_word(ada: User, client: Client) -> None:
    response = client.post("/profile/theme/", {"theme": "sepia"})

    ada.refresh_from_db()
    assert response.status_code == 400
    assert ada.theme == "system"


def test_personal_pages_need_somebody_who_is_signed_in(client: Client) -> None:
    assert client.get("/profile/").headers["Location"] == "/accounts/login/?next=/profile/"
    assert client.post("/profile/theme/", {"theme": "dark"}).status_code == 302


STEPS = "Three steps to see how it works"
AGAIN = "Show them again"


def test_first_steps_are_hidden_and_brought_back(ada: User, client: Client) -> None:
    assert STEPS in client.get("/me/").text
    assert AGAIN not in client.get("/profile/").text

    hidden = client.post("/profile/first-steps/", {"next": "/me/"}, follow=True)

    assert hidden.redirect_chain == [("/me/", 302)]
    assert "The first steps are hidden" in hidden.text
    assert STEPS not in hidden.text
    assert AGAIN in client.get("/profile/").text

    shown = client.post("/profile/first-steps/", {"show": "1"}, follow=True)

    assert shown.redirect_chain[-1] == ("/me/", 302)
    assert STEPS in shown.text


def test_first_steps_are_hidden_for_one_person_alone(ada: User, client: Client) -> None:
    client.post("/profile/first-steps/")
    other = Client()
    other.force_login(make_user("grace"))

    assert STEPS not in client.get("/me/").text
    assert STEPS in other.get("/me/").text


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_hiding_the_first_steps_leads_nowhere_else(ada: User, client: Client, onward: str) -> None:
    assert client.post("/profile/first-steps/", {"next": onward}).headers["Location"] == "/"
