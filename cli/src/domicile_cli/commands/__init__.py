"""The commands, by what they are about. Each reads its arguments, calls the catalogue and prints."""
