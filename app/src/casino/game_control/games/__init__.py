"""Par sheets, one JSON file each."""
