"""All settings, read from the environment, safe by default.

ENVIRONMENT is `production` unless something says otherwise: a forgotten variable stops the start
instead of opening a door. `make run` says `demo`, the tests say `test`.
"""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import keys
from config.env import Environment
from config.logging import redact_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

ENVIRONMENT = env.str("ENVIRONMENT", default="production")
if ENVIRONMENT not in {"production", "demo", "test"}:
    raise ImproperlyConfigured(f"ENVIRONMENT is {ENVIRONMENT!r}; it must be production, demo or test.")
IS_PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data")))

# Where people reach the product. Links in e-mails and OAuth redirect URIs are built from it alone:
# a forged Host header changes neither (RFC 9700 section 4.1).
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
_base = urlsplit(BASE_URL)
if _base.scheme not in {"http", "https"} or not _base.hostname or _base.path:
    raise ImproperlyConfigured(
        f"BASE_URL is {BASE_URL!r}; give scheme and host, for example https://tools.example.com."
    )
IS_HTTPS = _base.scheme == "https"
if IS_PRODUCTION and not IS_HTTPS:
    raise ImproperlyConfigured("BASE_URL must begin with https:// in production. For a trial on one machine: make run.")
ALLOWED_HOSTS = [_base.hostname, *env.list("EXTRA_ALLOWED_HOSTS", default=[])]
CSRF_TRUSTED_ORIGINS = [BASE_URL]

SECRET_KEY = keys.secret_key(env.str("SECRET_KEY", default=""), strict=IS_PRODUCTION)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
FIELD_ENCRYPTION_KEYS = keys.field_encryption_keys(
    env.list("FIELD_ENCRYPTION_KEYS", default=[]), secret_key=SECRET_KEY, strict=IS_PRODUCTION
)

# --- The sandbox: a pretend provider for the first run. A system check refuses it in production.
SANDBOX_ENABLED = env.bool("SANDBOX_ENABLED", default=False)
SANDBOX_CLIENT_ID = env.str("SANDBOX_CLIENT_ID", default="")
SANDBOX_CLIENT_SECRET = env.str("SANDBOX_CLIENT_SECRET", default="")

INSTALLED_APPS = [
    "config.apps.FrameConfig",
    "accounts",
    "orgs",
    "integrations",
    *(["integrations.sandbox"] if SANDBOX_ENABLED else []),
    "django_cotton",
    "heroicons",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "config.hosts.OneHostMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "integrations.api.middleware.ApiMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionLimitsMiddleware",
    "accounts.middleware.SessionActivityMiddleware",
    "accounts.middleware.AdminDoorMiddleware",
    "accounts.middleware.SignInMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "orgs.middleware.NoStoreMiddleware",
    "orgs.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "heroicons.templatetags.heroicons",
                "orgs.templatetags.ui",
                "orgs.templatetags.owner_urls",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orgs.context_processors.ui",
                "orgs.context_processors.identity",
                "orgs.context_processors.banners",
                "orgs.context_processors.notices",
                "integrations.context_processors.waiting",
            ],
        },
    }
]
COTTON_SNAKE_CASED_NAMES = True
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database: PostgreSQL in production, one SQLite file to try it out.
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'switchboard.sqlite3'}")}
_database = DATABASES["default"]
if "ENGINE" not in _database:
    raise ImproperlyConfigured("DATABASE_URL is not understood; for example postgres://user:password@host:5432/name.")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Without IMMEDIATE three transactions of four ended in "database is locked" under eight writers.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
else:
    # Under ASGI, persistent connections grow without bound; a pool does not (docs/dependencies.md).
    _database["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", default=20), "timeout": 10},
        "connect_timeout": 5,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: door-bell, live updates, rate limits. It holds nothing that must survive.
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
REDIS_CONNECT_TIMEOUT = 0.3  # seconds; a submit must not wait for a dead broker
REDIS_SOCKET_TIMEOUT = 0.5
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "config.cache.FailSafeRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "switchboard",
        "OPTIONS": {"socket_connect_timeout": REDIS_CONNECT_TIMEOUT, "socket_timeout": REDIS_SOCKET_TIMEOUT},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"  # sessions survive the loss of Redis

# --- The execution queue (docs/delivery.md)
PROVIDER_CALL_DEADLINE = env.int("PROVIDER_CALL_DEADLINE", default=30)  # seconds for one provider call, all in all
LEASE_MARGIN = env.int("LEASE_MARGIN", default=15)  # seconds that a claim outlives the deadline
QUEUE_LIMIT = env.int("QUEUE_LIMIT", default=3600)  # seconds until an execution that never started is timed out
APPROVAL_LIMIT = env.int("APPROVAL_LIMIT", default=259200)  # seconds that a run waits for somebody's approval
SWEEP_INTERVAL = env.int("SWEEP_INTERVAL", default=5)  # seconds
OWNER_CONCURRENCY = env.int("OWNER_CONCURRENCY", default=4)  # running executions of one owner at a time
READ_MAX_ATTEMPTS = env.int("READ_MAX_ATTEMPTS", default=3)
RESPONSE_MAX_BYTES = env.int("RESPONSE_MAX_BYTES", default=10 * 1024 * 1024)
RESULT_MAX_BYTES = env.int("RESULT_MAX_BYTES", default=1024 * 1024)
RETENTION_DAYS = env.int("RETENTION_DAYS", default=30)
IDEMPOTENCY_HOURS = 24
DELETION_DAYS = env.int("DELETION_DAYS", default=7)  # from the announcement to the end of an organization

# --- Connecting accounts
CONNECTION_REQUEST_LIFETIME = env.int("CONNECTION_REQUEST_LIFETIME", default=600)  # seconds
CONNECTION_REQUEST_LIMIT = 10  # open ones per user
REQUEST_LIFETIME_DAYS = env.int("REQUEST_LIFETIME_DAYS", default=14)  # until nobody has decided what a member asked
REQUEST_REMINDER_DAYS = env.int("REQUEST_REMINDER_DAYS", default=3)  # until the admins are reminded, once
TOKEN_CALL_DEADLINE = env.int("TOKEN_CALL_DEADLINE", default=10)  # seconds for token and identity calls
REFRESH_MARGIN = env.int("REFRESH_MARGIN", default=60)  # seconds of life left below which a token is refreshed

# --- API keys
API_KEY_MAX_DAYS = env.int("API_KEY_MAX_DAYS", default=365)  # longest life of a key made in the pages; 0: no limit

# --- MCP clients that sign in by OAuth (docs/mcp.md)
OAUTH_CODE_SECONDS = 60  # OAuth 2.1 section 4.1.2 advises ten minutes at most, our own check M12 a minute
OAUTH_ACCESS_SECONDS = env.int("OAUTH_ACCESS_SECONDS", default=3600)  # then the client renews by itself
OAUTH_REGISTRATIONS = env.bool("OAUTH_REGISTRATIONS", default=True)  # clients may register themselves (RFC 7591)

# --- The API: requests a minute of one key and of one owner, and how long an execute call waits for the run's end
API_LIMIT_PER_KEY = env.int("API_LIMIT_PER_KEY", default=600)
API_LIMIT_PER_OWNER = env.int("API_LIMIT_PER_OWNER", default=3000)
API_WAIT_LIMIT = env.int("API_WAIT_LIMIT", default=45)  # seconds; the SDKs hang up after 60 and some ask again

# --- Outbound HTTP: exact host:port pairs that may be private. In production everything speaks https.
EGRESS_ALLOW = frozenset(env.list("EGRESS_ALLOW", default=[]))
EGRESS_REQUIRE_HTTPS = env.bool("EGRESS_REQUIRE_HTTPS", default=IS_PRODUCTION)
EXTRA_TOOLKITS_DIR = env.str("EXTRA_TOOLKITS_DIR", default="")
if SANDBOX_ENABLED:
    EGRESS_ALLOW |= {f"{_base.hostname}:{_base.port or (443 if IS_HTTPS else 80)}"}

# --- Celery is the door-bell: no results, no retries, no ETA. The database is the queue.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = PROVIDER_CALL_DEADLINE + 10
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # the worker waits for Redis as long as it takes
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 120}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "integrations.sweep",
        "schedule": float(SWEEP_INTERVAL),
        "options": {"queue": "sweep", "expires": float(SWEEP_INTERVAL)},
    }
}
CELERY_TASK_DEFAULT_QUEUE = "pump"

# --- Sign-in
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "orgs.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = False
ACCOUNT_CHANGE_EMAIL = False
ACCOUNT_USERNAME_VALIDATORS = "accounts.usernames.USERNAME_VALIDATORS"
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _base.scheme
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before an e-mail address is changed, too
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Switchboard: "
ACCOUNT_EMAIL_NOTIFICATIONS = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", default=True)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_TOTP_ISSUER = "Switchboard"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds to either side, for clocks that are off (check W14)
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS
USERSESSIONS_TRACK_ACTIVITY = True
SESSION_IDLE_HOURS = env.int(
    "SESSION_IDLE_HOURS", default=12
)  # without a click; pages that refresh themselves do not count
SESSION_MAX_DAYS = env.int("SESSION_MAX_DAYS", default=14)

# --- The admin site: a second factor always, a session that ends sooner, and only from these networks if any are named
ADMIN_IDLE_MINUTES = env.int("ADMIN_IDLE_MINUTES", default=30)
ADMIN_SESSION_HOURS = env.int("ADMIN_SESSION_HOURS", default=8)  # then the second factor is asked for again
ADMIN_ALLOWED_NETWORKS = env.networks("ADMIN_ALLOWED_NETWORKS")

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10  # seconds: the sweep waits no longer for a mail server
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Switchboard <switchboard@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Security headers
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, over plain http
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # Strict would lose the session on the way back from a provider
SESSION_COOKIE_AGE = SESSION_MAX_DAYS * 24 * 3600
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Language, time, static files
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Hashed names need `collectstatic` first; the demo serves the files where they lie.
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not IS_PRODUCTION  # files may change under a demo

# --- Logs: one JSON line per event (a readable line in the demo); secrets are struck out on the way
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO  # a mistyped address is no warning
_renderer = structlog.dev.ConsoleRenderer(colors=False) if not IS_PRODUCTION else structlog.processors.JSONRenderer()
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.format_exc_info,
    redact_secrets,
]
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared_processors,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": [], "propagate": True},
        "uvicorn.access": {"level": "WARNING"},  # its lines hold query strings, and those may hold an OAuth code
        "django.request": {"level": "ERROR"},  # each request's end is logged once, by django-structlog
        "httpcore2": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "authlib": {"level": "WARNING"},
        "celery": {"level": "WARNING"},  # a line per ring and sweep; what ran is logged by the jobs
        "celery.apps.worker": {"level": LOG_LEVEL},  # that a worker is ready, and that it was told to stop
    },
}
