"""``insightly completion``: what makes a shell complete commands, objects, fields and stages."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli import completing
from tap_insightly.cli.options import with_config
from tap_insightly.cli.output import echo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient


@click.group()
def completion() -> None:
    """Make a shell complete commands, objects, fields and stages with Tab."""


def _script(shell: str) -> None:
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        msg = f"There is no completion for {shell}."
        raise click.ClickException(msg)
    command = click.get_current_context().find_root().command
    source = made(command, {}, "insightly", completing.VARIABLE).source()
    if shell == "bash":  # a value follows NAME=, and no space
        old = "COMPREPLY+=($value)"
        source = source.replace(old, f"{old}\n            [[ $value == *= ]] && compopt -o nospace")
    click.echo(source)


@completion.command()
def bash() -> None:
    """Write what bash needs: put the example into ~/.bashrc.

    \b
    Examples:
      $ insightly completion bash
    """
    _script("bash")


@completion.command()
def zsh() -> None:
    """Write what zsh needs: eval it in ~/.zshrc, behind compinit.

    \b
    Examples:
      $ insightly completion zsh
    """
    _script("zsh")


@completion.command()
def fish() -> None:
    """Write what fish needs: put it into ~/.config/fish/completions/insightly.fish.

    \b
    Examples:
      $ insightly completion fish
    """
    _script("fish")


@completion.command()
@with_config
def learn(config: Mapping[str, Any]) -> None:
    """Learn the names of custom objects, custom fields and stages of the account.

    A Tab asks nothing of Insightly, so it knows of these what this command has learned. Takes a
    request for each object with custom fields, and some more. Names alone are kept, in a file that
    nobody else can read.

    \b
    Examples:
      $ insightly completion learn
    """
    from tap_insightly.api import InsightlyClient
    from tap_insightly.connection import open_session

    with InsightlyClient.from_session(open_session(config, "insightly")) as client:
        names = _names(client)
    path = completing.remember(config, names)
    counts = (
        f"{len(names['objects']):,} custom objects, "
        f"{sum(map(len, names['fields'].values())):,} custom fields, "
        f"{len(names['pipelines']):,} pipelines"
    )
    echo(f"Learned: {counts}. They are in {path}.")


def _names(client: InsightlyClient) -> dict[str, Any]:
    from tap_insightly.api import NotAvailableError
    from tap_insightly.openapi.objects import standard_objects

    objects = client.objects()
    fields: dict[str, list[str]] = {}
    for obj in objects:
        with suppress(NotAvailableError):  # the plan leaves it out
            found = [one.name for one in client.fields(obj.name) if one.is_custom]
            if found:
                fields[obj.path] = found
    pipelines: dict[str, list[str]] = {}
    with suppress(NotAvailableError):
        names = {
            one["PIPELINE_ID"]: str(one["PIPELINE_NAME"]) for one in client.records("Pipeline")
        }
        pipelines = {name: [] for name in names.values()}
        for one in client.records("PipelineStage"):
            if one.get("PIPELINE_ID") in names:
                pipelines[names[one["PIPELINE_ID"]]].append(str(one.get("STAGE_NAME")))
    own = [obj.name for obj in objects[len(standard_objects()) :]]
    return {"objects": own, "fields": fields, "pipelines": pipelines}
