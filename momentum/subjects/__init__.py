"""An optimizer under test: its face, its problems, its runs."""
