"""Studies of how style transfer works: labeled grids of pictures, as the papers show them."""
