"""What the REST API says of services and deployments, and what it takes."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from deployer.definitions import Definition, environment_names
from deployer.models import Deployment, Rule, Service, Step
from registryhub.access.models import Source
from registryhub.rest import OnlyKnown


class RuleDocument(OnlyKnown, serializers.ModelSerializer[Rule]):
    """Which pushes are deployed."""

    source = serializers.SlugRelatedField[Source](  # type: ignore[assignment]  # `source` is an argument of fields too
        slug_field="name", queryset=Source.objects.all(), allow_null=True, required=False, help_text="null: this hub"
    )

    class Meta:
        model = Rule
        fields = ("source", "repository", "tag_pattern", "actor", "is_enabled")


class ServiceDocument(OnlyKnown, serializers.ModelSerializer[Service]):
    """A service. Values of its environment are taken and never shown; without `environment` they stay as they are."""

    rules = RuleDocument(many=True, required=False)
    environment = serializers.DictField(child=serializers.CharField(allow_blank=True), write_only=True, required=False)
    environment_names = serializers.SerializerMethodField()
    current = serializers.PrimaryKeyRelatedField[Deployment](
        read_only=True, allow_null=True, help_text="the deployment that runs"
    )

    class Meta:
        model = Service
        fields: tuple[str, ...] = (
            *("name", "kind", "is_paused", "debounce_seconds", "settings", "environment", "environment_names"),
            *("rules", "current", "created_at"),
        )
        read_only_fields = ("created_at",)

    def get_environment_names(self, service: Service) -> list[str]:
        return environment_names(service)

    def definition(self) -> Definition:
        """What the validated data says; what a PATCH leaves out stays."""
        data: dict[str, Any] = dict(self.validated_data)
        rules = data.pop("rules", None)
        old = self.instance
        defaults = {
            name: getattr(old, name) for name in ("name", "kind", "settings", "is_paused", "debounce_seconds") if old
        }
        return Definition(**{**defaults, **data, "rules": None if rules is None else [Rule(**rule) for rule in rules]})


class DefinedServiceDocument(ServiceDocument):
    """A service that was just made, with the key of its signature, which is shown this once."""

    key = serializers.CharField(read_only=True, allow_blank=True, help_text="of a signed HTTP call; else empty")

    class Meta(ServiceDocument.Meta):
        fields = (*ServiceDocument.Meta.fields, "key")


class StepDocument(serializers.ModelSerializer[Step]):
    """One step."""

    class Meta:
        model = Step
        fields = ("name", "is_undo", "state", "detail", "started_at", "finished_at", "duration_seconds")
        read_only_fields = fields


class DeploymentDocument(serializers.ModelSerializer[Deployment]):
    """A deployment."""

    service = serializers.CharField(source="service.name", read_only=True, help_text="its name")
    source = serializers.CharField(source="source.name", read_only=True)  # type: ignore[assignment]
    requested_by = serializers.CharField(source="requested_by.username", read_only=True, default="")

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = (
            *("id", "service", "state", "reason", "waits_for", "cause", "requested_by"),
            *("source", "repository", "tag", "digest", "actor", "pushes", "first_seq", "last_seq"),
            *("created_at", "due_at", "started_at", "finished_at", "tries"),
        )
        read_only_fields = fields


class DeploymentDetail(DeploymentDocument):
    """A deployment with its steps and the log of a container that did not come up."""

    steps = serializers.SerializerMethodField()

    class Meta(DeploymentDocument.Meta):
        fields = (*DeploymentDocument.Meta.fields, "logs", "steps")
        read_only_fields = (*DeploymentDocument.Meta.read_only_fields, "logs", "steps")

    def get_steps(self, deployment: Deployment) -> Any:
        steps: QuerySet[Step] = deployment.steps.order_by("id")
        return StepDocument(steps, many=True).data
