from django.apps import AppConfig


class WebuiConfig(AppConfig):
    """The windows: pages that show what the wings know. No models of its own."""

    name = "webui"
    verbose_name = "Web UI"
