"""WSGI entry point, for hosts that have no ASGI. Live updates need ASGI; everything else works."""

import os

from django.core.wsgi import get_wsgi_application

from config.start import plain_refusal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

with plain_refusal():
    application = get_wsgi_application()
