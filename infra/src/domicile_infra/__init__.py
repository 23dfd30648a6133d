"""The Pulumi program: pure planners in `plan`, and the components that they are carried out by."""
