"""``python -m eventbus_core transports``: what is installed, and what it can do."""

import argparse
import sys

from .errors import EventBusError
from .plugins import capabilities_of, installed_schemes


def transports() -> str:
    """One line for each installed scheme; a broken plug-in says why and hides no other."""
    lines = []
    for scheme in installed_schemes():
        try:
            declared = capabilities_of(scheme).declared()
        except EventBusError as exc:
            lines.append(f"{scheme:<10} broken: {exc}")
        else:
            lines.append(f"{scheme:<10} {', '.join(declared) or '(no capabilities)'}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eventbus_core", description=__doc__)
    parser.add_argument("command", choices=["transports"], help="list the installed transports")
    parser.parse_args(arguments)
    sys.stdout.write(transports() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
