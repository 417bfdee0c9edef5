"""From the words of a command line, or of Python, to a checked config, or to the line that says what is wrong."""
