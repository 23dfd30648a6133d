"""The cloud's stacks from the command line: what is checked first, the engine, and its progress."""
