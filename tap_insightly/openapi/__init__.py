"""What the API can be asked for and what it answers, field by field: ``insightly.json``.

The one place where facts about fields live. The catalog and the sandbox are made from it.
"""

from __future__ import annotations

from importlib.resources import files

from singer_sdk.schema.source import OpenAPISchema

OPENAPI: OpenAPISchema[str] = OpenAPISchema(files(__name__) / "insightly.json")
