"""The plug-in of ``polling-redis://HOST:PORT/DB``: the Redis transport without blocking reads."""

from eventbus_core.capabilities import Capabilities
from eventbus_core.hooks import Opening, hookimpl
from eventbus_redis.capabilities import CAPABILITIES
from eventbus_redis.config import RedisConfig
from eventbus_redis.transport import RedisTransport

POLL = 0.005


@hookimpl
def eventbus_open_transport(opening: Opening) -> RedisTransport:
    config = RedisConfig.from_url(opening.target.removeprefix("polling-"))
    return RedisTransport(config, bus=opening.bus, io_timeout=opening.io_timeout, poll=POLL)


@hookimpl
def eventbus_capabilities() -> Capabilities:
    return CAPABILITIES
