"""The Lua scripts: read once from package data, called by digest, sent in full when unknown."""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

from .faults import LinkLostError, ReplyError, has_code
from .link import Arg, Failed, Link

_USES: Final = re.compile(r"^-- Uses: (.+)$", re.MULTILINE)


class Script:
    """One script, with the shared parts that its header names put before it."""

    def __init__(self, name: str) -> None:
        body = _read(name)
        named = _USES.search(body)
        shared = [part.strip() for part in named.group(1).split(",")] if named else []
        self.source: Final = "\n".join([*map(_read, shared), body])
        self.digest: Final = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(
        self, link: Link, keys: Sequence[Arg], args: Sequence[Arg]
    ) -> "asyncio.Future[Any]":
        """Send it; return the future of its reply.

        It keeps its place among other calls of the link, except for a call that finds the script
        unknown to the server: that one is sent again, behind what was sent meanwhile.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def asked(done: "asyncio.Future[Any]") -> None:
            fault = done.exception()
            if fault is None:
                if not answer.done():
                    answer.set_result(done.result())
            elif has_code(fault, "NOSCRIPT"):
                again = link.call("EVAL", self.source, len(keys), *keys, *args)
                again.add_done_callback(evaluated)
            elif not answer.done():
                answer.set_exception(fault)

        def evaluated(done: "asyncio.Future[Any]") -> None:
            if answer.done():
                done.exception()
            elif (fault := done.exception()) is not None:
                answer.set_exception(fault)
            else:
                answer.set_result(done.result())

        link.call("EVALSHA", self.digest, len(keys), *keys, *args).add_done_callback(asked)
        return answer

    async def read(self, link: Link, keys: Sequence[Arg], args: Sequence[Arg]) -> Any:
        """Send it where the server makes sure that it writes nothing (7.0 and later; before that
        like any other), and wait for the reply. Raises ReplyError, LinkLostError."""
        if link.read_only_scripts:
            try:
                return await link.call("EVALSHA_RO", self.digest, len(keys), *keys, *args)
            except ReplyError as exc:
                if "unknown command" in exc.text.lower():
                    link.read_only_scripts = False
                elif not has_code(exc, "NOSCRIPT"):
                    raise
        if link.read_only_scripts:
            return await link.call("EVAL_RO", self.source, len(keys), *keys, *args)
        return await self(link, keys, args)

    def tell(self, link: Link, failed: Failed, keys: Sequence[Arg], args: Sequence[Arg]) -> None:
        """Send it, for its effect only; `failed` is told of an error."""

        def unknown(fault: ReplyError | LinkLostError) -> None:
            if has_code(fault, "NOSCRIPT"):
                link.tell(failed, "EVAL", self.source, len(keys), *keys, *args)
            else:
                failed(fault)

        if self.digest not in link.told:
            # Sent again when it is unknown, it would be lost if this process dies first.
            link.told.add(self.digest)
            link.tell(failed, "EVAL", self.source, len(keys), *keys, *args)
            return
        link.tell(unknown, "EVALSHA", self.digest, len(keys), *keys, *args)


@cache
def _read(name: str) -> str:
    return resources.files(__package__).joinpath("lua", f"{name}.lua").read_text("utf-8")


@cache
def script(name: str) -> Script:
    """The script of that name, read once per process."""
    return Script(name)
