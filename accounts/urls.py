"""Addresses of the pages about oneself."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("profile/first-steps/", views.first_steps, name="first_steps"),
    path("profile/theme/", views.theme, name="theme"),
]
