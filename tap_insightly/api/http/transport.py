"""Connections that can be broken off from outside."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import weakref
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from tap_insightly.api.http.lookup import HostLookup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3.poolmanager import PoolManager

# What a resolver says of a host that does not exist; not every system has the second.
_NO_SUCH_HOST = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
# What a proxy answers to what it does not let through, but for 408 and 429, which pass.
_PROXY_REFUSES = re.compile(r"Tunnel connection failed: 4(?!08|29)")


class BreakableAdapter(HTTPAdapter):
    """Keeps track of its connections, so that `break_off` ends even those that wait for a response.

    Without that, a thread that waits for a server cannot be stopped before the time-out.
    """

    def __init__(self, connections: int) -> None:
        """Get ready to keep so many connections open."""
        self._connections: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        # A connection forgets its socket if the response that it reads is the last one.
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.lookup = HostLookup()
        """What has looked up the host, or that of the proxy."""
        super().__init__(pool_connections=1, pool_maxsize=connections)

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    @override
    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        self._watch(manager)
        return manager

    def break_off(self) -> None:
        """End all connections; whoever waits for a response gets an error at once."""
        of_connections = (connection.sock for connection in tuple(self._connections))
        for one in {*of_connections, *tuple(self._sockets)}:
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _watch(self, manager: PoolManager) -> None:
        known, sockets, lookup = self._connections, self._sockets, self.lookup

        def look_up(connection: HTTPConnection) -> None:
            try:
                lookup.check(connection.host, connection.port)
            except socket.gaierror as error:
                raise NameResolutionError(connection.host, connection, error) from error

        class Plain(HTTPConnection):
            def connect(self) -> None:
                known.add(self)
                look_up(self)
                super().connect()
                sockets.add(self.sock)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                known.add(self)
                look_up(self)
                super().connect()
                sockets.add(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


def breakable_session(connections: int) -> tuple[requests.Session, BreakableAdapter]:
    """Make a session of requests whose connections can be broken off, by the adapter."""
    session, adapter = requests.Session(), BreakableAdapter(connections)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session, adapter


def reason_of(error: BaseException) -> str:
    """Say what went wrong on the network, without the layers that libraries wrap around it.

    Such as ``Failed to establish a new connection: [Errno 111] Connection refused``.
    """
    where = "the proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    *_, core = _chain(error)
    text = str(core).strip() or type(core).__name__
    return where + re.sub(r"^\w+\(.*?\): ", "", text)


def was_never_sent(error: BaseException) -> bool:
    """Tell whether it is certain that nothing of a request can have reached the server.

    There was no connection, or none through the proxy.
    """
    unsent = NewConnectionError | ConnectTimeoutError | ProxyError
    return any(isinstance(layer, unsent) for layer in _chain(error))


def will_last(error: BaseException) -> bool:
    """Tell whether somebody has to change something before a connection can do better.

    There is no such host, its certificate is not trusted, or the proxy refuses. That no name server
    can be asked, or that a proxy does not answer, may pass.
    """
    failure = lookup_failure(error)
    if failure is not None:
        return failure.errno in _NO_SUCH_HOST
    return any(
        isinstance(layer, ssl.SSLCertVerificationError)
        or (isinstance(layer, OSError) and _PROXY_REFUSES.match(str(layer)))
        for layer in _chain(error)
    )


def lookup_failure(error: BaseException) -> socket.gaierror | None:
    """Find what was wrong with the lookup of a host name; None if it is another matter."""
    causes = (one.__cause__ for one in _chain(error) if isinstance(one, NameResolutionError))
    return next((one for one in causes if isinstance(one, socket.gaierror)), None)


def took_too_long(error: BaseException) -> bool:
    """Tell whether a server that was reached did not respond in time, or paused meanwhile."""
    return any(isinstance(layer, ReadTimeoutError) for layer in _chain(error))


def wrapped_errors(error: BaseException) -> list[BaseException]:
    """List the errors that a library has put into another, as its reason or its arguments."""
    parts = (getattr(error, "reason", None), *error.args)
    return [part for part in parts if isinstance(part, BaseException)]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Go from what requests raised to what was the matter."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = next(iter(wrapped_errors(inner)), None)
