"""`ddpg-report`: run folders are read, their final scores and curves computed, and written as a table and pictures."""
