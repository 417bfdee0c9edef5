"""`ddpg-report compare`: which configurations differ, by how much, how certain that is, and what it cannot tell."""
