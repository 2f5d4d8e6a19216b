from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registryhub.registry"
    verbose_name = "Registry"
