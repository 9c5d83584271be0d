"""What the tests of writing share: bodies made from the document, and a way to send them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import requests

from tap_insightly.api.http.codec import decode
from tap_insightly.openapi import COMPONENTS, WRITE
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

DAY = "2026-02-28 13:45:59"
STAMPS = {"DATE_CREATED_UTC", "DATE_UPDATED_UTC"}
TOP = [path for path, methods in WRITE["paths"].items() if "{id}" not in path and "post" in methods]
PUT = [path for path, methods in WRITE["paths"].items() if "{id}" not in path and "put" in methods]
BELOW = [path for path, methods in WRITE["paths"].items() if "x-parent-field" in methods]
KINDS = {"BIT": True, "DATE": DAY, "DATETIME": DAY, "CALCULATED": 5}
KINDS |= dict.fromkeys(("NUMERIC", "PERCENT", "CURRENCY"), Decimal("-12.50"))

encoded = msgspec.json.Encoder(decimal_format="number").encode


def send(
    sandbox: Sandbox, method: str, path: str, body: Any = None, **options: Any
) -> requests.Response:
    """Send a request with a body in which numbers keep their digits."""
    content = body if isinstance(body, bytes) else None if body is None else encoded(body)
    url = sandbox.api_url + path
    return requests.request(method, url, data=content, auth=(KEY, ""), timeout=60, **options)


def status(sandbox: Sandbox, method: str, path: str, body: Any = None, **options: Any) -> int:
    """Send a request, and see only how it ends."""
    return send(sandbox, method, path, body, **options).status_code


def documented(template: str, method: str) -> int:
    """How a write ends that succeeds, by the document."""
    answers = WRITE["paths"][template][method]["responses"]
    return next(int(status) for status in answers if status.startswith("2"))


def content(answer: requests.Response) -> Any:
    """What an answer holds, with all digits."""
    return decode(answer.content)


def message(answer: requests.Response) -> str:
    """Why a request was refused."""
    text = answer.json()["Message"]
    assert isinstance(text, str)
    return text


def path_of(template: str) -> str:
    """The path of a list as the sandbox has it."""
    return template.replace("/{OBJECT_NAME}", "/Fruit__c")


def first(sandbox: Sandbox, path: str) -> int:
    """The id of an object's first record."""
    record_id = sandbox.records(path)[0][key_of(sandbox, path)]
    assert isinstance(record_id, int)
    return record_id


def key_of(sandbox: Sandbox, path: str) -> str:
    """The field with a record's id."""
    return sandbox.tables[path].keys[0]


def schema_of(template: str, method: str = "post") -> dict[str, Any]:
    """What the document says of a body."""
    described = WRITE["paths"][template][method]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    assert isinstance(schema, dict)
    return schema


def properties_of(template: str, method: str = "post") -> Iterator[tuple[str, dict[str, Any]]]:
    """The fields of a body that can be written."""
    schema = schema_of(template, method)
    component = COMPONENTS[schema["$ref"].rpartition("/")[2]]
    left_out = {*component.get("x-primary-key", ()), *schema.get("x-except", ()), *STAMPS}
    for name, one in component["properties"].items():
        if name in schema.get("x-also", ()) or not (one.get("readOnly") or name in left_out):
            yield name, one


def body_for(sandbox: Sandbox, template: str, method: str = "post") -> dict[str, Any]:
    """A body with a value for every field that can be written, arrays of records left out."""
    return {
        name: value_of(sandbox, name, one)
        for name, one in properties_of(template, method)
        if "array" not in one["type"]
    }


def value_of(sandbox: Sandbox, name: str, schema: dict[str, Any]) -> Any:
    """A value that a field can have."""
    types = schema["type"]
    if path := schema.get("x-references"):
        found = first(sandbox, path)
        return found if "integer" in types else str(found)
    if "string" in types:
        return (
            DAY if schema.get("format") == "date-time" else f"{name} ü"[: schema.get("maxLength")]
        )
    if "number" in types:
        return Decimal("1234567.8900")
    return True if "boolean" in types else 7


def custom_values(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    """A value for every custom field of an object that can be changed."""
    found = []
    for one in sandbox.custom_fields[path].definitions if path in sandbox.custom_fields else ():
        kind, options = one["FIELD_TYPE"], [o["OPTION_VALUE"] for o in one["CUSTOM_FIELD_OPTIONS"]]
        value: Any = KINDS.get(kind, "Größe, 1 < 2 & 日本")
        if kind == "LOOKUP":
            value = first(sandbox, f"/{one['JOIN_OBJECT']}s")
        if options:
            value = ";".join(options[:2]) if kind == "MULTISELECT" else options[-1]
        if one["EDITABLE"]:
            found.append({"FIELD_NAME": one["FIELD_NAME"], "FIELD_VALUE": value})
    return found


def minimal(sandbox: Sandbox, template: str) -> dict[str, Any]:
    """A body with only what is required."""
    required = schema_of(template).get("required", ())
    return {
        name: value_of(sandbox, name, one)
        for name, one in properties_of(template)
        if name in required
    }


def posted(sandbox: Sandbox, template: str, **fields: Any) -> Any:
    """Make a record over HTTP, whose answer is what is stored."""
    path = path_of(template)
    answer = send(sandbox, "POST", path, {**minimal(sandbox, template), **fields})
    assert answer.status_code == 201, answer.text
    made = content(answer)
    url = f"{path}/{made[key_of(sandbox, path)]}"
    again = send(sandbox, "GET", url)
    assert content(again) == made
    assert again.headers["ETag"] == answer.headers["ETag"]
    return made


def changed(sandbox: Sandbox, path: str, key: int, **fields: Any) -> Any:
    """Change a record over HTTP."""
    answer = send(sandbox, "PUT", path, {key_of(sandbox, path): key, **fields})
    assert answer.ok, answer.text
    return content(answer)


def custom(**values: Any) -> list[dict[str, Any]]:
    """Custom fields as they are sent; names go without their ending."""
    return [{"FIELD_NAME": f"{name}__c", "FIELD_VALUE": values[name]} for name in values]


def values_of(record: dict[str, Any]) -> dict[str, Any]:
    """The custom fields of a record, without the ending of their names."""
    return {one["FIELD_NAME"][:-3]: one["FIELD_VALUE"] for one in record["CUSTOMFIELDS"]}


def one_of(answer: requests.Response) -> Any:
    """What was answered, be it in an array or not."""
    assert answer.ok, answer.text
    found = content(answer)
    return found[0] if isinstance(found, list) else found


def texts_of(template: str) -> list[str]:
    """The text fields of an object that can be written."""
    return [
        name
        for name, one in properties_of(template)
        if one["type"][0] == "string" and "format" not in one and "x-references" not in one
    ]


WITH_TEXT = [template for template in TOP if texts_of(template)]
"""What has text fields among that which can be made."""
