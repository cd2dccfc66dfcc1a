"""Where the server is and how to log in: a frozen value, from keywords or a URL."""

from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from eventbus_core.errors import InvalidOptionError

_TLS: Final = {"redis": False, "valkey": False, "rediss": True, "valkeys": True, "unix": False}
_QUERY: Final = ("db", "client_name", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisConfig:
    """One Redis or Valkey server. Raises InvalidOptionError; no text or repr has the password."""

    host: str = "localhost"
    port: int = 6379
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    unix_socket_path: str | None = None
    """Takes the place of host and port."""
    ssl: bool = False
    ssl_context: SSLContext | None = field(default=None, repr=False)
    """Implies `ssl`; takes the place of the three files below."""
    ssl_ca_certs: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    client_name: str = "eventbus"
    """Shown by CLIENT LIST where the user may set it."""

    def __post_init__(self) -> None:
        for option in ("host", "client_name"):
            _check_text(option, getattr(self, option))
        for option in (
            "username",
            "password",
            "unix_socket_path",
            "ssl_ca_certs",
            "ssl_certfile",
            "ssl_keyfile",
        ):
            if getattr(self, option) is not None:
                _check_text(option, getattr(self, option))
        if " " in self.client_name or not self.client_name.isprintable():
            raise InvalidOptionError("client_name must have printable characters without spaces")
        _check_number("port", self.port, 1, 65_535)
        _check_number("db", self.db, 0, 2**31 - 1)
        if not isinstance(self.ssl, bool):
            raise InvalidOptionError(f"ssl={self.ssl!r} must be True or False")
        if self.ssl_context is not None and not isinstance(self.ssl_context, SSLContext):
            raise InvalidOptionError("ssl_context must be an ssl.SSLContext")
        if self.unix_socket_path is not None and self.tls:
            raise InvalidOptionError("a unix socket takes no TLS; give host and port instead")
        if not self.tls and (self.ssl_ca_certs or self.ssl_certfile or self.ssl_keyfile):
            raise InvalidOptionError(
                "ssl_ca_certs, ssl_certfile and ssl_keyfile need ssl=True or a rediss:// URL"
            )

    @property
    def scheme(self) -> str:
        """The plug-in that opens this config."""
        return "redis"

    @property
    def tls(self) -> bool:
        return self.ssl or self.ssl_context is not None

    @property
    def where(self) -> str:
        """The server, for texts: never with a user or password."""
        if self.unix_socket_path is not None:
            return f"unix://{self.unix_socket_path}"
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}/{self.db}"

    @classmethod
    def from_url(cls, url: str) -> "RedisConfig":
        """Read ``redis[s]://[[user]:password@]host[:port][/db]`` or ``unix://[…@]/path?db=0``.

        Query options: db, client_name, ssl_ca_certs, ssl_certfile, ssl_keyfile.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            query = parse_qsl(parts.query, strict_parsing=bool(parts.query))
        except ValueError:
            # The cause's text may quote the URL, and so the password.
            raise InvalidOptionError(
                "the Redis URL cannot be read; write it like redis://user:password@host:6379/0, "
                "with special characters percent-encoded"
            ) from None
        scheme = parts.scheme.lower()
        if scheme not in _TLS:
            raise InvalidOptionError(f"a Redis URL starts with {', '.join(sorted(_TLS))}://")
        given: dict[str, Any] = {"ssl": _TLS[scheme]}
        if parts.username:
            given["username"] = unquote(parts.username)
        if parts.password:
            given["password"] = unquote(parts.password)
        if scheme == "unix":
            if parts.hostname or not parts.path:
                raise InvalidOptionError("a unix URL looks like unix:///run/redis.sock?db=0")
            given["unix_socket_path"] = unquote(parts.path)
        else:
            given["host"] = parts.hostname or "localhost"
            given["port"] = 6379 if port is None else port
            if path := parts.path.strip("/"):
                given["db"] = _db(path)
        for option, value in query:
            if option not in _QUERY:
                raise InvalidOptionError(
                    f"the Redis URL has an unknown option {option!r}; it takes {', '.join(_QUERY)}"
                )
            given[option] = _db(value) if option == "db" else value
        return cls(**given)


def _db(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidOptionError(f"the database of the Redis URL is {text!r}; it must be a number")
    return int(text)


def _check_text(option: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidOptionError(f"{option} must be a str, not {type(value).__name__}")
    if not value:
        raise InvalidOptionError(f"{option} must not be empty")


def _check_number(option: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidOptionError(f"{option} must be an int, not {type(value).__name__}")
    if not low <= value <= high:
        raise InvalidOptionError(f"{option}={value} must be between {low} and {high}")
