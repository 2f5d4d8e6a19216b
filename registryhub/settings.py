"""Django's settings, all derived from the one typed Config; the shell wires the parts by dotted string."""

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from registryhub.config.errors import ConfigError
from registryhub.config.load import load_config
from registryhub.config.secrets import load_secrets

BASE_DIR = Path(__file__).resolve().parent.parent

_config_path = os.environ.get("REGISTRYHUB_CONFIG") or os.environ.get("REGISTRY_CONFIGURATION_PATH")
try:
    HUB = load_config(Path(_config_path) if _config_path else None, os.environ)
except ConfigError as error:
    sys.exit(f"configuration error:\n{error}")

DATA_DIR = HUB.hub.data
DATA_DIR.mkdir(parents=True, exist_ok=True)
SECRETS = load_secrets(DATA_DIR, HUB)
SECRET_KEY = SECRETS.secret_key

DEBUG = False
# Each view answers for any Host; `hub.hosts` narrows it. `/`, /healthz and /v2/ must answer load balancers.
ALLOWED_HOSTS = list(HUB.hub.hosts) or ["*"]
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
ROOT_URLCONF = "registryhub.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
# Static files are served from where the packages keep them: nothing to collect, nothing to go stale.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
# Behind a proxy that ends TLS the browser's origin is https while requests arrive as http: these may post forms.
CSRF_TRUSTED_ORIGINS = [f"https://{'*' if host.startswith('.') else ''}{host}" for host in HUB.hub.hosts if host != "*"]
if HUB.http.host:
    CSRF_TRUSTED_ORIGINS.append(f"{urlsplit(HUB.http.host).scheme}://{urlsplit(HUB.http.host).netloc}")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(HUB.http.host and HUB.http.host.startswith("https:"))
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "registryhub",
    "registryhub.access",
    "registryhub.doctor",
    "registryhub.registry",
    "registryhub.registry.keeping",
    "notifications.log",
    "notifications.delivery",
    "notifications.receiver",
    "notifications.analytics",
    "deployer",
    "webui",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_database: dict[str, Any] = {**dj_database_url.parse(HUB.database_url)}
if "sqlite" in str(_database["ENGINE"]):
    _database["ENGINE"] = "registryhub.database.sqlite"
    _database["CONN_MAX_AGE"] = None
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # The relay checkpoints beside all transactions; left to itself SQLite would do it within the commit of a push.
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
        " PRAGMA wal_autocheckpoint = 64000; PRAGMA secure_delete = FAST",
    }
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    _database["ENGINE"] = "registryhub.database.postgresql"
    _database["CONN_MAX_AGE"] = 0
    _database["OPTIONS"] = {
        **(_database.get("OPTIONS") or {}),
        "pool_size": HUB.hub.database.pool,
        "connect_timeout": 3,
    }
DATABASES: dict[str, Any] = {"default": _database}

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": HUB.redis_url}
    if HUB.redis_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

_LOG_LEVELS = {"debug": "DEBUG", "info": "INFO", "warn": "WARNING", "error": "ERROR"}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}[{process}]: {message}", "style": "{"}},
    "filters": {"outages": {"()": "registryhub.processes.logs.OutagesInOneLine"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["outages"]}},
    "root": {"handlers": ["stderr"], "level": _LOG_LEVELS[HUB.log.level]},
    "loggers": {
        "django.request": {"level": "ERROR"},  # what clients do wrong they are told themselves
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}

BROKER_DIR = DATA_DIR / "broker"
BROKER_DIR.mkdir(exist_ok=True)
CELERY_BROKER_URL = HUB.redis_url or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {}
    if HUB.redis_url
    else {
        "data_folder_in": str(BROKER_DIR),
        "data_folder_out": str(BROKER_DIR),
        "control_folder": str(BROKER_DIR),
        "polling_interval": 0.5,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = TIME_ZONE
# Each may be started twice without harm; a message nobody took in time is worth nothing, the next one comes.
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "purge uploads": {
        "task": "registryhub.registry.tasks.purge_uploads",
        "schedule": HUB.storage.maintenance.uploadpurging.interval_seconds,
        "options": {"expires": 3600},
    },
    "collect garbage": {
        "task": "registryhub.registry.tasks.collect_garbage",
        "schedule": min(30.0, HUB.hub.collect.interval_seconds),
        "options": {"expires": 30},
    },
    "apply retention": {
        "task": "registryhub.registry.keeping.tasks.apply_retention",
        "schedule": min(60.0, HUB.hub.retention.interval_seconds),
        "options": {"expires": 60},
    },
    "recount quotas": {
        "task": "registryhub.registry.keeping.tasks.recount_quotas",
        "schedule": 86400.0,
        "options": {"expires": 3600},
    },
    "purge sessions": {
        "task": "registryhub.access.tasks.purge_sessions",
        "schedule": 86400.0,
        "options": {"expires": 3600},
    },
    "trim the log": {
        "task": "notifications.log.tasks.trim_log",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "tidy the counters": {
        "task": "notifications.analytics.tasks.tidy_counters",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "find waiting deployments": {
        "task": "deployer.tasks.sweep",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "registryhub.access.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "registryhub.rest.Negotiation",
    "EXCEPTION_HANDLER": "registryhub.rest.answer_exception",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "RegistryHub",
    "DESCRIPTION": "Events, counters, endpoints and sources of the hub.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["registryhub.openapi.without_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "registryhub.openapi.with_sheets",
        "registryhub.openapi.with_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "EndpointState": "notifications.delivery.models.Endpoint.State",
        "NoticeKind": "notifications.delivery.models.Notice.Kind",
        "ServiceKind": "deployer.models.Service.Kind",
        "CollectionState": "registryhub.registry.models.Collection.State",
        "DeploymentState": "deployer.models.Deployment.State",
        "StepState": "deployer.models.Step.State",
    },
}
UNFOLD = {"SITE_TITLE": "RegistryHub", "SITE_HEADER": "RegistryHub"}

# Who listens to the log, in order of importance: dotted paths of callables that return consumers.
EVENT_CONSUMERS = [
    "notifications.analytics.counters.consumers",
    "deployer.triggers.consumers",
    "notifications.delivery.endpoints.consumers",
    "registryhub.registry.tree.consumers.consumers",
]

# Who adds numbers up for everybody and for staff apart: dotted paths, see `registryhub.access.repositories.set_public`.
SIGHT_CHANGES = ["notifications.analytics.sight.change_sides"]

# Who reads the raw bytes of an intake row, by its kind.
INTAKE_READERS = {
    "event": "notifications.log.readers.read_event",
    "journal": "notifications.log.readers.read_journal",
    "distribution": "notifications.receiver.adapters.reader.read",
    "file": "notifications.receiver.files.read",
}

# What the doctor looks at, in this order: dotted paths of `registryhub.doctor.examination.Check`.
DOCTOR_CHECKS = {
    "configuration": "registryhub.processes.checks.look_at_configuration",
    "programs": "registryhub.processes.checks.look_at_programs",
    "disks": "registryhub.processes.checks.look_at_disks",
    "storage": "registryhub.registry.checks.try_storage",
    "database": "registryhub.processes.checks.look_at_database",
    "redis": "registryhub.processes.checks.look_at_redis",
    "worker": "registryhub.processes.checks.ask_worker",
    "events": "notifications.log.doctor.way.follow_probe",
    "deliveries": "notifications.delivery.doctor.try_deliveries",
    "sources": "notifications.receiver.doctor.look_at_sources",
    "quarantine": "notifications.log.doctor.way.look_into_quarantine",
}

# Who knows more of a consumer of the log than its position: dotted paths, see `notifications.log.doctor.advice`.
CONSUMER_ADVICE = ["notifications.delivery.advice.read_advice"]

# Who tells Prometheus how it does: dotted paths of callables that return metric families, by few queries.
METRICS = ["notifications.log.metrics.collect", "notifications.delivery.metrics.collect"]

# What stands under `registry` in /debug/vars, by its name: dotted paths of callables that return it, without secrets.
DEBUG_VARIABLES = {"notifications": "notifications.delivery.metrics.variables"}

# Who knows of manifests that are needed outside the registry: dotted paths of `registryhub.registry.guards.Guard`.
DIGEST_GUARDS = ["deployer.guards.running"]

# Who has leaderboards beside those of the counters: dotted paths of callables that return them, see
# `notifications.analytics.boards`.
BOARDS = ["deployer.boards.boards"]
