"""``python -m eventbus_core transports``: what is installed, and what it can do."""

import argparse
import sys

from .plugins import installed_transports


def transports() -> str:
    """A line for each installed scheme; a broken plug-in says why and hides no other."""
    rows = [("scheme", "from", "capabilities")]
    for found in installed_transports():
        if found.capabilities is None:
            rows.append((found.scheme, found.provider, f"broken: {found.problem}"))
        else:
            declared = ", ".join(found.capabilities.declared()) or "none"
            rows.append((found.scheme, found.provider, declared))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(
        f"{scheme:<{widths[0]}}  {provider:<{widths[1]}}  {what}" for scheme, provider, what in rows
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eventbus_core", description=__doc__)
    parser.add_argument("command", choices=["transports"], help="list the installed transports")
    parser.parse_args(arguments)
    sys.stdout.write(transports() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
