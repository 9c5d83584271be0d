"""Settings as the SDK knows them: with what it shows in ``--about``, and checks."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.config_schema import Setting


class _AsWritten(th.JSONTypeHelper[Any]):
    """A type of the SDK's that is a JSON schema as it is written in a setting."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        super().__init__()
        self._schema = schema

    @property
    def type_dict(self) -> dict[str, Any]:
        """Hand out a copy, which the SDK goes on to change."""
        return deepcopy(dict(self._schema))


def config_schema(settings: Iterable[Setting]) -> dict[str, Any]:
    """Write the JSON schema of a configuration of these settings, as the SDK has it."""
    return th.PropertiesList(*map(_property, settings)).to_dict()


def _property(setting: Setting) -> th.Property[Any]:
    is_plain = setting.is_boolean or "enum" in setting.schema
    return th.Property(
        setting.name,
        _AsWritten(setting.schema),
        title=setting.title,
        # Markdown shows the description alone, and so do Meltano and its hub.
        description=setting.description + ("" if is_plain else f" Accepted: {setting.accepted}."),
        default=setting.default,
        required=setting.is_required,
        secret=setting.is_secret,
    )
