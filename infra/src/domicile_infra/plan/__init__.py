"""What is to be built, as values. Nothing here imports Pulumi, asks a cloud or reads a clock."""
