"""Composition: what a service's settings and the configuration make of a target."""

from django.conf import settings

from deployer.definitions import HEADERS, SEAL
from deployer.models import Deployment, Service
from deployer.specs import BadSettings, read_call, read_container
from deployer.targets.base import StepFailed, Target
from deployer.targets.call import CallTarget
from deployer.targets.container import ContainerTarget
from deployer.targets.docker_engine import DockerEngine, Registry
from notifications.delivery.outgoing.guard import only_outside
from notifications.labels import label_key, make_label
from registryhub.access.robots import DEPLOYER, robot_password
from registryhub.access.sealing import Unsealable
from registryhub.config.model import Config


def make_target(service: Service, deployment: Deployment) -> Target:
    """The target of a deployment. Raises StepFailed when the settings cannot be used."""
    config: Config = settings.HUB
    try:
        secrets = SEAL.unseal(service.sealed)
        if service.kind == Service.Kind.CALL:
            guard = only_outside(config.hub.outgoing.allow)
            call = read_call({**service.settings, HEADERS: secrets.get(HEADERS, {})})
            return CallTarget(call, secrets.get("key", ""), guard)
        spec = read_container(service.settings, config.hub.deployer)
        return ContainerTarget(_engine(config, deployment), spec, secrets.get("environment", {}))
    except (BadSettings, Unsealable) as error:
        raise StepFailed(f"the settings of the service cannot be used: {error}") from error


def _engine(config: Config, deployment: Deployment) -> DockerEngine:
    """Its requests to the registry carry a label, by which they are told from those of people and not counted."""
    label = make_label(
        label_key(settings.SECRET_KEY),
        repository=deployment.repository,
        digest=deployment.digest,
        rollout=deployment.pk,
    )
    registry = Registry(config.registry_for_engine, DEPLOYER, robot_password(DEPLOYER))
    return DockerEngine(config.hub.deployer.engine, registry, label)
