"""Mounted by the product at /sandbox/ when SANDBOX_ENABLED is set."""

from django.urls import path

from integrations.sandbox import api, views
from integrations.sandbox.doors import by_method

app_name = "sandbox"

urlpatterns = [
    path("", views.index, name="index"),
    path("oauth/authorize", views.authorize, name="authorize"),
    path("oauth/token", views.token, name="token"),
    path("oauth/revoke", views.revoke, name="revoke"),
    path("oauth/userinfo", by_method(GET=api.profile), name="userinfo"),
    path("api/profile", by_method(GET=api.profile), name="profile"),
    path("api/messages", by_method(GET=api.list_messages, POST=api.send_message), name="messages"),
    path("api/messages/<str:message_id>", by_method(GET=api.get_message, DELETE=api.delete_message), name="message"),
    path("api/channels", by_method(GET=api.list_channels), name="channels"),
    path(
        "api/channels/<str:channel>/messages",
        by_method(GET=api.list_channel_messages, POST=api.post_to_channel),
        name="channel_messages",
    ),
]
