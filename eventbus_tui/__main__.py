"""``python -m eventbus_tui``, and the command ``eventbus-tui``."""

import gc


def main() -> int:
    """Run the command; returns the exit status."""
    # What is loaded stays: to look through it for garbage again and again would take a fifth of
    # the time until the first frame. The app turns it on again, and so do reports.
    gc.disable()
    from .cli import main as command

    return command()


if __name__ == "__main__":
    raise SystemExit(main())
