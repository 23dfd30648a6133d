"""The shared kernel: what every module may import, and what imports no module."""
