"""The demo: four docs jobs for this project's own commit, GitHub failing on the way."""
