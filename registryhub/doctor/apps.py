from django.apps import AppConfig


class DoctorConfig(AppConfig):
    name = "registryhub.doctor"
    verbose_name = "Doctor"
