"""What the schema shows as an answer is one."""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator


def schema() -> dict[str, Any]:
    generator: Any = SchemaGenerator  # it has no types
    found: dict[str, Any] = closed(generator().get_schema(request=None, public=True))
    return found


def closed(node: Any) -> Any:
    """The same as JSON Schema: what may be null says so by its type, and objects have no fields but their own."""
    if isinstance(node, list):
        return [closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {name: closed(value) for name, value in node.items()}
    if found.pop("nullable", False) is True and "type" in found:
        found["type"] = [found["type"], "null"]
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Of each operation, with the schema of the body that it is an example of."""
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for body in answer.get("content", {}).values():
                    for example in body.get("examples", {}).values():
                        yield operation["operationId"], body["schema"], example["value"]


def test_each_example_is_as_its_schema_says() -> None:
    """All fields are there, and none besides."""
    document = schema()
    found = list(examples(document))
    for name, described, value in found:
        whole = {**described, "components": document["components"]}
        faults = [error.message for error in Draft202012Validator(whole).iter_errors(value)]
        assert not faults, f"{name}: {faults}"
    assert {name for name, _, _ in found} >= {"repositories", "repository", "tags"}


def test_an_example_that_lacks_a_field_would_be_found() -> None:
    """The check can fail."""
    document = schema()
    _, described, value = next(each for each in examples(document) if each[0] == "repository")
    whole = {**described, "components": document["components"]}
    assert list(Draft202012Validator(whole).iter_errors({**value, "pulls": "many"}))
    assert list(Draft202012Validator(whole).iter_errors({**value, "pull": 1}))
    assert list(Draft202012Validator(whole).iter_errors({key: value[key] for key in value if key != "pulls"}))
