"""Policies that leave their run: written in several formats, proved, described and uploaded."""
