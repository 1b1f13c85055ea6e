"""Pictures without a net: the pixels are optimized."""
