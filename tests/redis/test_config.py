"""Where the server is: URLs, typed configs, and what they never show."""

import ssl
from typing import Any

import pytest

from eventbus_core.errors import InvalidOptionError
from eventbus_core.hooks import Opening
from eventbus_redis import RedisConfig
from eventbus_redis.plugin import eventbus_open_transport


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", RedisConfig()),
        ("redis://db.example:7000/3", RedisConfig(host="db.example", port=7000, db=3)),
        ("valkey://db.example", RedisConfig(host="db.example")),
        ("rediss://db.example", RedisConfig(host="db.example", ssl=True)),
        ("valkeys://db.example/1", RedisConfig(host="db.example", ssl=True, db=1)),
        ("redis://:p%40ss@h", RedisConfig(host="h", password="p@ss")),
        ("redis://ann:pw@[::1]:1", RedisConfig(host="::1", port=1, username="ann", password="pw")),
        ("unix:///run/r.sock?db=2", RedisConfig(unix_socket_path="/run/r.sock", db=2)),
        ("redis://h?client_name=shop&db=4", RedisConfig(host="h", client_name="shop", db=4)),
        ("rediss://h?ssl_ca_certs=ca.pem", RedisConfig(host="h", ssl=True, ssl_ca_certs="ca.pem")),
    ],
)
def test_urls(url: str, expected: RedisConfig) -> None:
    assert RedisConfig.from_url(url) == expected


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://h", "redis"),
        ("redis://h:99999", "cannot be read"),
        ("redis://h/x", "database"),
        ("redis://h/-1", "database"),
        ("redis://h?nonsense=1", "nonsense"),
        ("unix://h/run.sock", "unix"),
        ("redis://:secret@h:port", "cannot be read"),
        ("redis://h?ssl_ca_certs=x", "rediss"),
    ],
)
def test_wrong_urls_are_refused_without_the_password(url: str, named: str) -> None:
    with pytest.raises(InvalidOptionError, match=named) as caught:
        RedisConfig.from_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"host": ""},
        {"host": 5},
        {"port": 0},
        {"port": True},
        {"db": -1},
        {"password": 1},
        {"ssl": 1},
        {"ssl_context": "yes"},
        {"client_name": "two words"},
        {"unix_socket_path": "/run/r.sock", "ssl": True},
        {"ssl_certfile": "cert.pem"},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError):
        RedisConfig(**options)


def test_nothing_shows_the_password() -> None:
    config = RedisConfig(password="secret", username="ann")
    transport = eventbus_open_transport(
        Opening(target=config, scheme="redis", bus="b", io_timeout=1.0)
    )
    for shown in (repr(config), str(config), config.where, repr(transport)):
        assert "secret" not in shown


def test_a_context_means_tls() -> None:
    config = RedisConfig(ssl_context=ssl.create_default_context())
    assert config.tls
    assert config.where.startswith("rediss://")
    assert config.scheme == "redis"
