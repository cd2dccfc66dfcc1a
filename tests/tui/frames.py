"""What an app sends to its terminal."""

from textual.app import App


def count_frames(app: App[None]) -> list[object]:
    """Grows by one with each update that is sent from now on."""
    sent: list[object] = []
    display = app._display

    def counting(screen: object, renderable: object) -> None:
        if renderable is not None:
            sent.append(renderable)
        display(screen, renderable)  # type: ignore[arg-type]  # passed on as it came

    app._display = counting  # type: ignore[method-assign]  # counts
    return sent
