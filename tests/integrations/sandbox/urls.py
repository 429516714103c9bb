"""The sandbox alone: it needs nothing of the product's own addresses."""

from django.urls import include, path

urlpatterns = [path("sandbox/", include("integrations.sandbox.urls"))]
