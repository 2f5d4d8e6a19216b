from django.apps import AppConfig


class DeployerConfig(AppConfig):
    """The hands: services, and the roll-outs that follow a push."""

    name = "deployer"
    verbose_name = "Deployer"
