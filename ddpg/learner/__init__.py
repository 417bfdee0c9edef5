"""The paper: actor and critic, exploration noise, replay buffer, optimizers and the update; torch and numpy alone."""
