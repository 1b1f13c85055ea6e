"""A net learns: session, module, optimizers, guard, checkpoints, runs."""
