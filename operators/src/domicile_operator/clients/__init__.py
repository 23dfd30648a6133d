"""The operator's edge: the only modules that talk to anything. Each turns trouble into a Fault."""
