"""Photos to train on: sources, crops, lists, streams, caches, the data module."""
