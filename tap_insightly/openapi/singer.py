"""The schemas of what is read, as the SDK makes them of an OpenAPI document."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from singer_sdk.schema.source import OpenAPISchema, OpenAPISchemaNormalizer

if TYPE_CHECKING:
    from collections.abc import Sequence


class _ReadNormalizer(OpenAPISchemaNormalizer):
    """Leaves out what only binds those who write."""

    def normalize_schema(
        self, schema: dict[str, Any], *, key_properties: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Make a JSON schema of a component, or of a part of it."""
        normal = super().normalize_schema(schema, key_properties=key_properties)
        # The longest text that a write may send is no promise about what is stored: custom
        # objects have names longer than the 12 characters of FIELD_FOR (seen live), and a
        # warehouse that makes a column of it would refuse the record.
        normal.pop("maxLength", None)
        return normal


OPENAPI: OpenAPISchema[str] = OpenAPISchema(
    files("tap_insightly.openapi") / "insightly.json", preprocessor=_ReadNormalizer()
)
