"""Settings of the test suite: real parts, fast hasher, own database file, fixed throw-away keys."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("ENVIRONMENT", "test")
os.environ.setdefault("SECRET_KEY", "test-only-" + "k7Qw" * 15)
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "dGVzdC1vbmx5LWZpZWxkLWVuY3J5cHRpb24ta2V5ISE=")
os.environ.setdefault("SANDBOX_ENABLED", "1")
os.environ.setdefault("SANDBOX_CLIENT_ID", "sandbox-client")
os.environ.setdefault("SANDBOX_CLIENT_SECRET", "sandbox-" + "secret-for-tests")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from config.settings import *  # the environment above must stand first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# An in-memory SQLite database and a second thread do not go together ("database table is locked").
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # The tests' database need not survive a power cut.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
    DATABASES["default"]["TEST"] = {"NAME": Path(tempfile.gettempdir()) / f"switchboard-test-{os.getpid()}.sqlite3"}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# Unit tests ring a bell in memory; tests under tests/flows, browser and faults start real workers on a real server.
CELERY_BROKER_URL = "memory://"
