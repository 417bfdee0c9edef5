"""A policy apart from its run: loaded from a folder or a file, and called."""
