from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "registryhub.access"
    verbose_name = "Access"
