"""What a maintained scanner says of everything that the Pulumi program declares."""
