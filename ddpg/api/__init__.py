"""The Python interface. Its public names are those of the package `ddpg` itself."""
