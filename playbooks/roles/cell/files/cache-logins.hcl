# In a cell whose cache Amazon makes the users of, the operator also keeps their passwords, and nothing else of a
# tenant's secrets.
path "kv/data/tenants/+/redis" {
  capabilities = ["create", "read", "update"]
}
path "kv/metadata/tenants/+/redis" {
  capabilities = ["delete"]
}
