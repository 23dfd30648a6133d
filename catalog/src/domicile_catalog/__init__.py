"""Facts of jurisdictions and places, and the one function that reads them."""
