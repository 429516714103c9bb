from django.apps import AppConfig
from django.core.checks import Tags, register


class SandboxConfig(AppConfig):
    name = "integrations.sandbox"
    label = "sandbox"
    verbose_name = "Sandbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from integrations.sandbox import checks

        register(checks.sandbox_stays_out_of_production, Tags.security)
        register(checks.sandbox_has_a_client, Tags.security)
