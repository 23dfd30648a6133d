"""One adapter for each method family, all behind one protocol."""
