"""Measurements for the scripts: floors, learners, whole programs, the structure of the code, and tables."""
