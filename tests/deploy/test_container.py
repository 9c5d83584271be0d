"""The container of the server: built and run where Docker works, else what can be seen of it."""

from __future__ import annotations

import re

from tests.dockerfile import Dockerfile

SERVER = Dockerfile("server.Dockerfile")


def test_it_is_no_root_and_listens_on_one_port() -> None:
    given = SERVER.given
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", given("USER")[-1]), "Kubernetes sees that of numbers"
    assert given("EXPOSE") == ["8750"]
    assert SERVER.command("ENTRYPOINT") == ["insightly"]
    assert SERVER.command("CMD") == ["serve"]
    assert all(re.fullmatch(r"\S+:[\d.]+-slim( AS \w+)?", image) for image in given("FROM"))
    assert all("--no-cache-dir" in text for text in given("RUN") if text.startswith("python"))
    (health,) = given("HEALTHCHECK")
    assert "http://127.0.0.1:8750/health" in health


def test_what_it_copies_is_let_in_and_nothing_else() -> None:
    SERVER.check_what_is_let_in()
