"""What Dagster is given: all accounts of the configuration file, each into a schema of its own."""

import json
import os

from insightly_dagster import InsightlyAccounts

defs = InsightlyAccounts(
    target=[os.environ["FLEET_TARGET"]],
    target_settings=json.loads(os.environ["FLEET_TARGET_SETTINGS"]),
    folder=os.environ["FLEET_FOLDER"],
    verify=["--schema", "{account}"],
    schedule=None,  # the script says when
).build_defs()
