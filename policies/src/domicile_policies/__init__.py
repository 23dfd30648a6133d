"""What the cluster's admission and the cloud's organisation refuse, derived from the catalogue."""
