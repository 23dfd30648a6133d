"""The subcommands: they ask the cluster, let pure functions judge, and print."""
