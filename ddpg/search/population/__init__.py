"""Population based training (Jaderberg et al. 2017): trainings side by side, which copy each other."""
