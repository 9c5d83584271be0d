"""The SDK's own tests for taps, against the sandbox, with records in every stream."""

from __future__ import annotations

from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_insightly.tap import TapInsightly
from tests.conftest import KEY, new_sandbox

# The SDK makes its tests, one for each stream and attribute, while they are collected, so the
# sandbox has to be there by then. It ends with the process.
_sandbox = new_sandbox()
_sandbox.start()

_config = {"api_key": KEY, "api_url": _sandbox.api_url, "requests_per_second": 100}

_catalog = TapInsightly(config=_config).catalog_dict
for _stream in _catalog["streams"]:
    for _entry in _stream["metadata"]:
        if not _entry["breadcrumb"]:
            _entry["metadata"]["selected"] = True  # those that are not by default, too

TestTapInsightly = get_tap_test_class(
    TapInsightly,
    config=_config,
    catalog=_catalog,
    suite_config=SuiteConfig(max_records_limit=40),
)
