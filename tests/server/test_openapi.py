"""The server does what its OpenAPI document says, whatever is sent."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings

from tests.server.running import PASSWORD, USER, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

schemathesis = pytest.importorskip("schemathesis", reason="it needs Python 3.11")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")
DOCUMENT = json.loads(files("tap_insightly.server").joinpath("openapi.json").read_bytes())
# Not that what breaks the schema is refused: what Insightly sends is kept, whatever it is.
CHECKS = [
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]
OPERATIONS = [
    (path, method)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method != "parameters"
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: Sandbox) -> Iterator[Served]:
    """A server whose account is a sandbox."""
    with serving(tmp_path_factory.mktemp("openapi"), shared_sandbox.api_url) as served:
        yield served


@pytest.fixture(scope="module")
def token(served: Served) -> str:
    """A token that may read only, as the sandbox is shared."""
    return served.token(is_read_only=True)


def test_the_server_hands_out_its_document(served: Served) -> None:
    assert requests.get(f"{served.url}/openapi.json", timeout=60).json() == DOCUMENT


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "stranger"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_sent_is_answered_as_the_document_says(
    served: Served,
    token: str,
    path: str,
    method: str,
    is_known: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    operation: Any = schemathesis.openapi.from_dict(DOCUMENT)[path][method.upper()]
    is_webhook, is_gateway = path.startswith("/webhooks"), path.startswith("/v3.1")
    credentials = (USER, PASSWORD) if is_webhook else (token, "")

    @settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        case.headers = {}
        if is_webhook and is_known:
            case.path_parameters = {"account": "acme"}
        response = case.call(
            base_url=served.url, timeout=60, auth=credentials if is_known else None
        )
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)
        if is_known and is_webhook:
            assert response.status_code == 200, "what comes is kept, whatever it is"
        if not is_known and (is_webhook or is_gateway):
            assert response.status_code in {401, 404}

    check()
    assert served.health().status_code == 200
