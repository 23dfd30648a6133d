# What the operator may do in OpenBao: make a tenant's policies and roles, and borrow a login that can make
# databases. It can read no tenant's credentials and no tenant's secrets.
path "sys/policies/acl/casino-*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "auth/jwt/role/casino-*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "database/roles/casino-*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "database/creds/domicile-provisioner" {
  capabilities = ["read"]
}
path "sys/leases/revoke-prefix/database/creds/casino-*" {
  capabilities = ["update", "sudo"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/leases/revoke" {
  capabilities = ["update"]
}
path "kv/metadata/cell/psp/*" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
