"""``python -m eventbus_tui``, and the command ``eventbus-tui``."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
