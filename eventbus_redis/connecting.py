"""Opens connections and logs in, with redis-py; `link` takes the sockets from it.

Loaded with the first connection only: it takes longer to load than everything else here, and a
monitor shows its first frame before that.
"""

import asyncio
import os
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .config import RedisConfig
from .faults import LinkLostError


async def connect(config: RedisConfig, io_timeout: float) -> AbstractConnection:
    """Connect and log in. Raises LinkLostError, leaving nothing behind."""
    connection = _connection(config, io_timeout)
    try:
        async with asyncio.timeout(io_timeout):
            await connection.connect()  # type: ignore[no-untyped-call]
    except BaseException as exc:
        await _discard(connection)
        if isinstance(exc, (RedisError, OSError, TypeError, AttributeError)):
            # The last two: redis-py issue 4287, a write on a connection the peer closed.
            raise LinkLostError(_why(exc)) from None
        raise
    return connection


def _connection(config: RedisConfig, timeout: float) -> AbstractConnection:
    common: dict[str, Any] = {
        "db": config.db,
        "username": config.username,
        "password": config.password,
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": timeout,
        "health_check_interval": 0,
        "driver_info": None,
    }
    if config.unix_socket_path is not None:
        return UnixDomainSocketConnection(path=config.unix_socket_path, **common)
    common |= {"host": config.host, "port": config.port, "socket_keepalive": True}
    if not config.tls:
        return Connection(**common)
    secured = SSLConnection(
        ssl_ca_certs=config.ssl_ca_certs,
        ssl_certfile=config.ssl_certfile,
        ssl_keyfile=config.ssl_keyfile,
        **common,
    )
    if config.ssl_context is not None:
        secured.ssl_context.context = config.ssl_context
    return secured


async def _discard(connection: AbstractConnection) -> None:
    try:
        await connection.disconnect(nowait=True)
    except (RedisError, OSError, TypeError, AttributeError):
        return


def _why(exc: BaseException) -> str:
    """Say why connecting failed, without the text of an exception that may hold a credential."""
    # redis-py puts some refusals into a plain ConnectionError.
    if isinstance(exc, AuthenticationError) or isinstance(exc.__cause__, AuthenticationError):
        return "the server refused the user name or password"
    if isinstance(exc, (TimeoutError, RedisTimeoutError)):
        return "no answer in time; check host, port and firewall"
    if isinstance(exc, (RedisConnectionError, OSError)):
        cause: BaseException | None = exc
        while cause is not None and (type(cause).__module__.startswith("redis")):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, OSError) and cause.errno is not None:
            # A negative number is a name that was not found: only strerror knows it.
            what = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror
            return f"{what}; check that the server runs and the address is right"
        return "connecting failed; check the server, the address and TLS settings"
    return f"the server refused the login ({type(exc).__name__})"
