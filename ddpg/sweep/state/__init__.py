"""The state of each run of a sweep, read from folders, processes and the queue."""
