"""The search for hyper-parameters: studies whose trials are runs of a sweep."""
