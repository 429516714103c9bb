from django.apps import AppConfig
from django.core.checks import Tags, register


class FrameConfig(AppConfig):
    name = "config"
    label = "frame"
    verbose_name = "Frame"

    def ready(self) -> None:
        from config import checks

        for check in checks.DEPLOYMENT_CHECKS:
            register(check, Tags.security, deploy=True)
