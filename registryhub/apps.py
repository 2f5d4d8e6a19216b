from django.apps import AppConfig


class RegistryHubConfig(AppConfig):
    """The project shell, an app so that its commands are found."""

    name = "registryhub"
    label = "registryhub"
