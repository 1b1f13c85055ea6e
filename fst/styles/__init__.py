"""A style by its name: its file, its painting, its trained net."""
