"""The Celery app: the door-bell of the execution queue."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from config.broker import BellTask, use_careful_transport
from config.start import plain_refusal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

use_careful_transport()
app = Celery("switchboard", task_cls=BellTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_configure.connect
def _refuse_wrong_settings(**_kwargs: Any) -> None:
    """Worker and beat read the settings here for the first time."""
    with plain_refusal():
        settings.ENVIRONMENT  # noqa: B018  # to look is to load


@setup_logging.connect
def _log_as_the_settings_say(**_kwargs: Any) -> None:
    """Once somebody answers this signal, Celery leaves logging alone. Else it raises the root level to WARNING."""
    logging.config.dictConfig(settings.LOGGING)
