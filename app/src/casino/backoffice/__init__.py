"""What staff does across modules: endpoints that need the session of one module and the service of another."""
