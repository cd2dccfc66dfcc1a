"""The Redis Streams transport. Users need only `RedisConfig` from here, or just a URL."""

from .config import RedisConfig

__all__ = ["RedisConfig"]
