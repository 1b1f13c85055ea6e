"""One pass, at any size, in control."""
