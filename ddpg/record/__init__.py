"""The record of a run: its folder, its metrics, its provenance, and its picture."""
