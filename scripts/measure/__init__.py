"""What the benchmarks measure with: floors, learners, whole programs, and the table of what is to be reached."""
