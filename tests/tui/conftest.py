"""The monitor is not finished: these files test screens that are not there yet, and are not
collected until they are."""

collect_ignore = [
    "test_app_keys.py",
    "test_app_link.py",
    "test_app_screens.py",
    "test_app_status.py",
    "test_help.py",
    "test_overview_screen.py",
    "test_palette.py",
    "test_themes.py",
]
