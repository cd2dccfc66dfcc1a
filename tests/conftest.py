"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """A shell starts a program in the background with Ctrl-C ignored, and its children inherit
    that; tests that interrupt programs need it as in the foreground."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
