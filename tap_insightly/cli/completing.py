"""What a Tab offers: names of objects, fields and stages. Nothing is asked of the account.

What every account has is in the documents of the API. What one account has of its own is in a file
that `insightly completion learn` writes.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import click

    Complete = Callable[[click.Context, click.Parameter, str], list[str]]

VARIABLE = "_INSIGHTLY_COMPLETE"


def objects(verb: str | None = None) -> Complete:
    """Complete names of objects; with a verb, of those with which that can be done."""

    def complete(ctx: click.Context, _: click.Parameter, text: str) -> list[str]:
        from tap_insightly.openapi.objects import standard_objects

        found = [one.name for one in standard_objects() if verb is None or verb in one.can]
        names = [*found, *learned(ctx).get("objects", ())]
        if not any(one.isupper() for one in text):  # names are taken in any case
            names = [name if name.endswith("__c") else name.lower() for name in names]
        return _beginning_with(text, names)

    return complete


def fields(end: str = "", *, is_list: bool = False, is_written: bool = False) -> Complete:
    """Complete names of the fields of the object that is named before.

    Each has an `end`, such as ``=``. In a list, names are separated by commas.
    """

    def complete(ctx: click.Context, _: click.Parameter, text: str) -> list[str]:
        before, comma, last = text.rpartition(",") if is_list else ("", "", text)
        names = [f"{name}{end}" for name in _field_names(ctx, is_written=is_written)]
        return [f"{before}{comma}{name}" for name in _beginning_with(last, names)]

    return complete


def stages(ctx: click.Context, _: click.Parameter, text: str) -> list[str]:
    """Complete the names of stages, of the pipeline that is named before if one is."""
    pipelines: Mapping[str, list[str]] = learned(ctx).get("pipelines", {})
    chosen = str(ctx.params.get("pipeline"))
    found = [pipelines[chosen]] if chosen in pipelines else pipelines.values()
    return _beginning_with(text, (name for names in found for name in names))


def pipelines(ctx: click.Context, _: click.Parameter, text: str) -> list[str]:
    """Complete the names of pipelines."""
    return _beginning_with(text, learned(ctx).get("pipelines", ()))


def accounts(_: click.Context, __: click.Parameter, text: str) -> list[str]:
    """Complete the names of the accounts of the configuration file."""
    from tap_insightly.config_file import load

    with suppress(ValueError, OSError):  # what is wrong with it is told by commands
        return _beginning_with(text, load().accounts)
    return []


def _field_names(ctx: click.Context, *, is_written: bool) -> Iterable[str]:
    from tap_insightly.api.records.objects import UnknownObjectError, find_object
    from tap_insightly.openapi import COMPONENTS
    from tap_insightly.openapi.objects import CUSTOM_FIELDS, custom_object, standard_objects

    own = learned(ctx)
    customs = [custom_object({"OBJECT_NAME": name}) for name in own.get("objects", ())]
    try:
        # Behind an option without its value, click has not come to the arguments.
        name = ctx.params.get("object_name") or next(iter(ctx.args), "")
        obj = find_object(name, [*standard_objects(), *customs])
    except UnknownObjectError:
        return
    for name, schema in COMPONENTS.get(obj.component, {"properties": {}})["properties"].items():
        is_left_out = schema.get("x-added-by-tap") or name == CUSTOM_FIELDS
        is_fixed = schema.get("readOnly") or name == obj.key or name in obj.elsewhere
        if not is_left_out and not (is_written and is_fixed):
            yield name
    yield from own.get("fields", {}).get(obj.path, ())


def _beginning_with(text: str, names: Iterable[str]) -> list[str]:
    found = dict.fromkeys(one for one in names if one.casefold().startswith(text.casefold()))
    if os.environ.get(VARIABLE) == "bash_complete":  # the other shells quote by themselves
        return [one.replace(" ", "\\ ") for one in found]
    return list(found)


def folder() -> Path:
    """Say where what was learned of accounts is."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "insightly"


def file_of(config: Mapping[str, Any]) -> Path:
    """Say where what was learned of an account is; the name gives its key away to nobody."""
    parts = (config.get("api_key"), config.get("api_url") or config.get("pod"))
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
    return folder() / f"names-{digest[:16]}.json"


def remember(config: Mapping[str, Any], names: Mapping[str, Any]) -> Path:
    """Keep what was learned of an account, where nobody else reads it."""
    path = file_of(config)
    from tap_insightly.files import write_whole

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, [json.dumps(names).encode()], mode=0o600)
    return path


def learned(ctx: click.Context) -> Mapping[str, Any]:
    """Read what was learned of the account that is meant; nothing if that is not known."""
    if not folder().is_dir():
        return {}
    try:
        found = json.loads(file_of(_config(ctx)).read_bytes())
    except Exception:  # noqa: BLE001 - whatever it is, a Tab is no place to tell it
        return {}
    return found if isinstance(found, dict) else {}


def _config(ctx: click.Context) -> Mapping[str, Any]:
    from tap_insightly.cli.given_settings import given_settings

    params = {**ctx.find_root().params, **{n: v for n, v in ctx.params.items() if v is not None}}
    return given_settings(params)
