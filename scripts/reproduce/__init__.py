"""Runs published tables again: the list, its training, the records and what they show; scripts/evidence.py."""
