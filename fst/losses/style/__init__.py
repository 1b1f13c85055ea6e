"""Statistics of style: what a painting and a picture have in common wherever things are."""
