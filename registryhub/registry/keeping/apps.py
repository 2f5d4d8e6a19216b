from django.apps import AppConfig


class KeepingConfig(AppConfig):
    name = "registryhub.registry.keeping"
    verbose_name = "Keeping"
