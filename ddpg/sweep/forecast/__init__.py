"""Forecasts for a sweep: hours from short trials, memory from the environments."""
