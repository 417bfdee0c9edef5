"""`ddpg-report serve`: a page that shows runs while they are trained; it reads folders, and writes nothing."""
