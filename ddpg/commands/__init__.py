"""The command line: arguments, messages, and checks before anything starts."""
