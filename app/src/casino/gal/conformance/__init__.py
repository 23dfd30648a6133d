"""A suite that holds any operator's endpoint against the rules of docs/studios.md, as a studio calls it."""
