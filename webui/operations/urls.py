"""The pages about what the hub does: events, webhooks, services and deployments."""

from django.urls import path

from webui.operations import (
    dead_letters,
    define_endpoint,
    define_service,
    deliveries,
    deployments,
    doctor,
    events,
    notices,
    services,
    webhooks,
)

urlpatterns = [
    path("events", events.events, name="events"),
    path("events/<int:seq>", events.event, name="events-event"),
    path("webhooks", webhooks.webhooks, name="webhooks"),
    path("doctor", doctor.doctor, name="webhooks-doctor"),
    path("doctor/<int:pk>", doctor.checkup, name="webhooks-checkup"),
    path("webhooks/-/new", define_endpoint.new_endpoint, name="webhooks-new"),
    path("webhooks/-/<int:pk>/change", define_endpoint.edit_endpoint, name="webhooks-change"),
    path("webhooks/-/<int:pk>/secret", define_endpoint.new_secret, name="webhooks-secret"),
    path("webhooks/-/<int:pk>/delete", define_endpoint.remove_endpoint, name="webhooks-delete"),
    path("webhooks/-/messages", notices.notices, name="webhooks-messages"),
    path("webhooks/-/dead-letters", dead_letters.dead_letters, name="webhooks-dead-letters"),
    path("webhooks/-/deliveries/<int:pk>", deliveries.delivery, name="webhooks-delivery"),
    path("webhooks/-/deliveries/<int:pk>/resend", deliveries.resend_delivery, name="webhooks-redeliver"),
    path("webhooks/-/resends/<int:pk>", deliveries.act_on_resend, name="webhooks-resend"),
    path("webhooks/-/<int:pk>/resend", deliveries.resend_range, name="webhooks-range"),
    path("webhooks/-/<int:pk>/test", deliveries.test_endpoint, name="webhooks-test"),
    path("webhooks/<path:name>", webhooks.endpoint, name="webhooks-endpoint"),
    path("services", services.services, name="services"),
    path("services/-/new/<str:kind>", define_service.new_service, name="services-new"),
    path("services/<slug:name>", services.service, name="services-service"),
    path("services/<slug:name>/change", define_service.change_service, name="services-change"),
    path("services/<slug:name>/delete", services.delete_service, name="services-delete"),
    path("services/<slug:name>/deploy", services.deploy_newest_push, name="services-deploy"),
    path("services/<slug:name>/pause", services.act_on_service, {"act": "pause"}, name="services-pause"),
    path("services/<slug:name>/resume", services.act_on_service, {"act": "resume"}, name="services-resume"),
    path("services/<slug:name>/key", services.act_on_service, {"act": "key"}, name="services-key"),
    path("deployments", deployments.deployments, name="deployments"),
    path("deployments/<int:pk>", deployments.deployment, name="deployments-deployment"),
    path("deployments/<int:pk>/retry", deployments.retry_deployment, name="deployments-retry"),
    path("deployments/<int:pk>/rollback", deployments.roll_back_deployment, name="deployments-rollback"),
]
