"""How the usual assistants are told to start the server: what goes into which of their files."""

from __future__ import annotations

from typing import Any

KEY = "TAP_INSIGHTLY_API_KEY"
POD = "TAP_INSIGHTLY_POD"
TOKEN = "INSIGHTLY_MCP_TOKEN"  # noqa: S105 - the name of a variable
URL = "http://127.0.0.1:8751/mcp"

FILES = {
    "claude-desktop": "claude_desktop_config.json",
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "generic": "mcp.json",
    "http": ".mcp.json",
}
"""The name of the file of each assistant."""


def configuration(assistant: str, command: str, account: str | None = None) -> dict[str, Any]:
    """Make what goes into the file of an assistant.

    Without an account of the configuration file, the key comes from where the assistant has it;
    where it can have it only in that file, a placeholder says where to put it.
    """
    if assistant == "http":
        headers = {"Authorization": f"Bearer ${{{TOKEN}}}"}
        return {"mcpServers": {"insightly": {"type": "http", "url": URL, "headers": headers}}}
    started: dict[str, Any] = {"command": command, "args": ["mcp"]}
    if account is not None:
        started["args"] = ["--account", account, "mcp"]
    else:
        started["env"] = {KEY: "your-key", POD: "na1"}
    if assistant == "claude-code" and account is None:
        started["env"] = {KEY: f"${{{KEY}}}", POD: f"${{{POD}:-na1}}"}
    if assistant != "vscode":
        return {"mcpServers": {"insightly": started}}
    found: dict[str, Any] = {"servers": {"insightly": {"type": "stdio", **started}}}
    if account is None:
        asked = {
            "type": "promptString",
            "id": "insightly-key",
            "description": "Insightly API key",
            "password": True,
        }
        started["env"] = {KEY: "${input:insightly-key}", POD: "na1"}
        found = {"inputs": [asked], "servers": {"insightly": {"type": "stdio", **started}}}
    return found
