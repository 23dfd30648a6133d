"""What the operator's tests share: fakes for the fast ones, real servers for the others."""
