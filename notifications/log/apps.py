from django.apps import AppConfig


class LogConfig(AppConfig):
    name = "notifications.log"
    label = "log"
    verbose_name = "Event log"
