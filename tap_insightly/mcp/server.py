"""The tools as a server of the Model Context Protocol."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from mcp import types
from mcp.server.lowlevel.server import Server

from tap_insightly.api import ClosedError, InsightlyError
from tap_insightly.api.http.codec import encode
from tap_insightly.mcp.arguments import schema_of
from tap_insightly.mcp.tools import INSTRUCTIONS, Toolbox
from tap_insightly.mcp.writing import PartlyWrittenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.context import ServerRequestContext

    from tap_insightly.mcp.tools import Tool

logger = logging.getLogger(__name__)

_MOST_CALLS = 8  # at once; they share one pace anyway
_LONGEST_ERROR = 2000  # characters


def make_server(toolbox: Toolbox, version: str) -> Server[Any]:
    """Make a server of tools."""
    limiter: list[anyio.CapacityLimiter] = []
    tools = [_described(tool) for tool in toolbox.tools.values()]

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(
        _: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        if not limiter:  # which belongs to the loop that runs
            limiter.append(anyio.CapacityLimiter(_MOST_CALLS))
        tool = toolbox.tools.get(params.name)
        # Who does not want to wait for a number goes; what is being written is written.
        return await anyio.to_thread.run_sync(
            answered,
            toolbox,
            params.name,
            params.arguments or {},
            abandon_on_cancel=tool is None or not tool.writes,
            limiter=limiter[0],
        )

    return Server(
        "insightly",
        title="Insightly CRM",
        version=version,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def answered(toolbox: Toolbox, name: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
    """Call a tool; whatever goes wrong is an answer, too."""
    try:
        return _result(toolbox.call(name, arguments))
    except PartlyWrittenError as error:
        return _result(error.answer, is_error=True)
    except ClosedError:
        return _failed("The server is being stopped.")
    except InsightlyError as error:
        return _failed(str(error))
    except Exception:
        # A mistake of ours: where it is goes to the log, and nothing of it to the assistant.
        logger.exception("insightly mcp: the tool %s has failed", name)
        return _failed(f"The tool {name} has failed, which is a mistake in it. Its log says more.")


def _result(answer: Mapping[str, Any], *, is_error: bool = False) -> types.CallToolResult:
    text = encode(answer).decode()
    content = types.TextContent(type="text", text=text)
    return types.CallToolResult(
        content=[content], structured_content=dict(answer), is_error=is_error
    )


def _failed(text: str) -> types.CallToolResult:
    content = types.TextContent(type="text", text=text[:_LONGEST_ERROR])
    return types.CallToolResult(content=[content], is_error=True)


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema_of(tool.arguments),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.writes,
            destructive_hint=tool.writes,
            idempotent_hint=not tool.writes,
            open_world_hint=True,  # records hold what strangers wrote
        ),
    )
