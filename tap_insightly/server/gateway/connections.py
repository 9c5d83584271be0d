"""The connections to Insightly: its key, its proxy and its certificates, and no cookies."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from typing_extensions import override
from yarl import URL

from tap_insightly.api.http.auth import ApiKeyAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import SimpleNamespace

    from aiohttp.connector import Connection

    from tap_insightly.server.gateway.settings import Upstream


class LostConnectionError(aiohttp.ClientError):
    """A connection broke off before the answer began."""


class UnaskedError(aiohttp.ClientError):
    """The server closes each connection, or answers, before it is asked."""


class _Connector(aiohttp.TCPConnector):
    """aiohttp's own, which takes what comes unasked for the answer to the next request.

    That may be another client's, who might not even be allowed to see it.
    """

    @override
    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        for _ in range(self.limit + 1):  # all that are open, and a new one
            connection = await super().connect(req, traces, timeout)
            if await _is_quiet(connection):
                return connection
            connection.close()
        raise UnaskedError


async def _is_quiet(connection: Connection) -> bool:
    """Tell whether a connection is open, and nothing has come on it that nobody asked for."""
    try:
        for _ in range(2):  # the first lets the event loop see what has come, the second read it
            await asyncio.sleep(0)
    except BaseException:
        connection.close()
        raise
    protocol = connection.protocol
    return protocol is not None and protocol.is_connected() and not protocol.should_close


class Connections:
    """The connections to one account."""

    def __init__(self, upstream: Upstream) -> None:
        """Get ready, in the event loop that is to be used."""
        self.auth = ApiKeyAuth(upstream.api_key)
        """The key, and what takes it out of what is said."""
        # The proxies of requests, so that all parts of this program go the same way.
        proxy = select_proxy(upstream.base_url, get_environ_proxies(upstream.base_url))
        self._proxy = URL(proxy) if proxy else None
        timeout = aiohttp.ClientTimeout(
            sock_connect=upstream.request_timeout, sock_read=upstream.request_timeout
        )
        connector = _Connector(limit=upstream.max_concurrency, ssl=_tls())
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # else it would look for passwords in .netrc
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            middlewares=(_once,),
            trace_configs=[_telling_when_sent()],
        )

    async def send(
        self,
        method: str,
        url: URL,
        headers: dict[str, str],
        body: bytes | AsyncIterator[bytes] | None,
        sent: Callable[[], object],
    ) -> aiohttp.ClientResponse:
        """Send a request once, with the key; return the response as soon as it begins.

        Args:
            method: The method.
            url: Where to.
            headers: All headers but the key.
            body: The body; None for none.
            sent: Called once the request is on its way.

        Returns:
            The response, of which the body has to be read yet.
        """
        return await self._session.request(
            method,
            url,
            headers={**headers, "Authorization": self.auth.header},
            data=body,
            proxy=self._proxy,
            trace_request_ctx=sent,
            allow_redirects=False,  # the key goes to the address that was set, to no other
        )

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()


def _telling_when_sent() -> aiohttp.TraceConfig:
    async def tell(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx()

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(tell)
    return config


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send it once: aiohttp would do so again at once, beside the pace, and tell nobody."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise LostConnectionError from error


def was_never_sent(error: BaseException) -> bool:
    """Tell whether it is certain that nothing of a request can have reached the server."""
    unsent = (
        aiohttp.ClientConnectorError
        | aiohttp.ConnectionTimeoutError
        | aiohttp.ClientHttpProxyError
        | UnaskedError
    )
    return isinstance(error, unsent)


def is_about_certificates(error: BaseException) -> bool:
    """Tell whether there is no secure connection, which trying again does not change."""
    return isinstance(error, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch)


def reason_of(error: BaseException, seconds: float) -> str:
    """Say what went wrong on the network, without what was sent."""
    if isinstance(error, asyncio.TimeoutError):
        return f"no answer within {seconds:g} seconds (request_timeout)."
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status} {error.message}."
    if isinstance(error, LostConnectionError):
        error = error.__cause__ or error
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer."
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer ended before it was complete."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return f"{type(error).__name__}."


def _tls() -> ssl.SSLContext:
    """Trust what requests trusts, and what the system does."""
    context = ssl.create_default_context()
    own = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    bundle = Path(own or DEFAULT_CA_BUNDLE_PATH)
    context.load_verify_locations(
        cafile=None if bundle.is_dir() else bundle, capath=bundle if bundle.is_dir() else None
    )
    return context
