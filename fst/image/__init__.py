"""Pictures as tensors: decoding, encoding, sizes, colors, contact sheets."""
