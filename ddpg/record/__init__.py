"""What a run writes down: its folder, its metrics, where it came from, and its picture."""
