"""The frozen networks that judge: VGG-19, its slim copy, and where their weights come from."""
