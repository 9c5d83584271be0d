"""``insightly probe``: whether what this project assumes of the API holds for an account."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO

import click

from tap_insightly.api.http.errors import InsightlyError, QuotaExhaustedError
from tap_insightly.cli.arguments import confirm, yes_option
from tap_insightly.cli.options import with_config
from tap_insightly.cli.output import echo, format_option, write_rows, write_table
from tap_insightly.exit_codes import FAILED, USAGE, beside_findings, exit_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.probe import Prober, ProbeSession

DIFFERS, NOT_ASKED = FAILED, USAGE
_QUESTION = (
    "Make a contact in this account, change it, add a note, tags, a link and a file to it, and "
    "delete it again"
)


@click.command("probe")
@click.option(
    "--write", "is_writing", is_flag=True, help="Also make a contact, change it and delete it."
)
@yes_option
@click.option(
    "--report",
    type=click.File("w", encoding="utf-8", lazy=False),
    metavar="FILE",
    help="Write the result to a file, too, without anything of the account's.",
)
@with_config
@format_option()
def probe(
    config: Mapping[str, Any],
    *,
    is_writing: bool,
    is_sure: bool,
    report: TextIO | None,
    form: str,
) -> None:
    """Ask the account whether what tap-insightly assumes of it holds.

    Only reads, with 60 requests at the most, unless --write is given. That makes one contact,
    tries on it what only writing shows, and deletes it; it asks first. Says of each assumption
    whether it holds, does not, or was not seen. The file of --report has no names, texts or ids
    in it, and can be shown to others.

    Exit codes: 0 nothing speaks against any, 1 some do not hold, 2 the account could not be asked,
    75 not now, but perhaps later (quota, network), 77 the key is not accepted.

    \b
    Examples:
      $ insightly probe
      $ insightly probe --report probe.json
      $ insightly probe --write --yes
    """
    from tap_insightly.connection import open_session_of
    from tap_insightly.probe import Outcome, Prober, ProbeSession

    if is_writing:
        confirm(_QUESTION, is_sure=is_sure)
    # The probe itself tries again, and counts all that it sends.
    session = open_session_of(ProbeSession, {**config, "max_retries": 0}, "insightly")
    prober = Prober(session)
    problem, code = None, NOT_ASKED
    try:
        with session:
            echo(f"Asking, with {_most(is_writing=is_writing)} requests at the most ...")
            prober.read()
            if is_writing:
                prober.write()
    except InsightlyError as error:
        problem, code = _explain(config, session, error), beside_findings(exit_code(error))
    finally:  # also if somebody pressed Ctrl-C
        _report(prober, report, form)
    if problem is not None:
        echo(f"Error: {problem}")
    outcomes = {one.verdict.outcome for one in prober.results}
    if problem is not None or prober.left:
        sys.exit(NOT_ASKED if prober.left else code)
    sys.exit(DIFFERS if Outcome.DOES_NOT in outcomes else 0)


def _most(*, is_writing: bool) -> int:
    from tap_insightly.probe import MOST_READ, MOST_WRITTEN

    return MOST_READ + (MOST_WRITTEN if is_writing else 0)


def _explain(config: Mapping[str, Any], session: ProbeSession, error: InsightlyError) -> str:
    if isinstance(error, QuotaExhaustedError):
        return str(error)
    from tap_insightly.cli.diagnostics import Explainer

    return Explainer(config, session)(error)


def _report(prober: Prober, report: TextIO | None, form: str) -> None:
    from tap_insightly.probe import anonymous, described

    for one in prober.left:
        echo(f"Error: {one}")
    results, sent = prober.results, prober.client.sent
    if report is not None:
        import msgspec

        from tap_insightly.api.http.codec import encode

        report.write(msgspec.json.format(encode(anonymous(results, sent)), indent=2).decode())
    if not prober.has_found:
        return
    whole = described(results, sent)
    write_rows(form, whole["assumptions"], lambda: _show(prober), whole=whole)


def _show(prober: Prober) -> None:
    from tap_insightly.probe import Outcome

    order = {Outcome.DOES_NOT: 0, Outcome.HOLDS: 1, Outcome.NOT_SEEN: 2}
    results = sorted(prober.results, key=lambda one: order[one.verdict.outcome])
    rows = [
        (one.verdict.outcome.value, one.assumption.id, one.assumption.text, one.verdict.text)
        for one in results
    ]
    write_table(("verdict", "id", "assumption", "evidence"), rows)
    words = Counter(one.verdict.outcome for one in results)
    counts = (
        f"{words[Outcome.HOLDS]:,} hold, {words[Outcome.DOES_NOT]:,} do not, "
        f"{words[Outcome.NOT_SEEN]:,} not seen"
    )
    click.echo()
    click.echo(f"{counts}: {len(results):,} assumptions, {prober.client.sent:,} requests.")
