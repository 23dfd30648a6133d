"""The casino alone on a developer's machine. Nothing here is imported in production."""
