"""Documents that are made from the catalogue: a page for each jurisdiction, and a map of the world."""
