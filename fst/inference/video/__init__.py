"""Clips, animations and folders of frames, painted frame by frame, steadily."""
