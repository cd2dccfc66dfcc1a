"""`eventbus-tui`: shows what happens on the buses of one store."""
