"""This machine: devices, memory, random states, files, processes."""
