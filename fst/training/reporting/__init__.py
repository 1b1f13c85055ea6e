"""What a run shows and writes: progress, curves, previews, its page."""
