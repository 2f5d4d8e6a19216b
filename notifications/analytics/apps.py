from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "notifications.analytics"
    label = "analytics"
    verbose_name = "Analytics"
