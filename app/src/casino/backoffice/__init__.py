"""What staff see and do of other modules: HTTP that needs both who works here (pam) and what they act on."""
