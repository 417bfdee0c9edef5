"""One run: from a config to objects, its life in a folder, and the policies that it leaves."""
