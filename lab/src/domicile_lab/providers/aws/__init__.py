"""The lab's `aws` provider: a table of resource types over botocore. See docs/adr/0023."""
