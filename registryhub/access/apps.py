from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccessConfig(AppConfig):
    name = "registryhub.access"
    verbose_name = "Access"

    def ready(self) -> None:
        from registryhub.access.hub_source import make_hub_source

        post_migrate.connect(make_hub_source, sender=self)
