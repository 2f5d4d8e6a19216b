from django.apps import AppConfig


class ReceiverConfig(AppConfig):
    name = "notifications.receiver"
    label = "receiver"
    verbose_name = "Receiver"
