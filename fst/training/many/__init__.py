"""Many paintings at once: which there are, what judges see in them, and which a step learns."""
