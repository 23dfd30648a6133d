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
# By which the certificate of a tenant's own domains is signed. It may have none signed itself.
path "pki/roles/casino-*" {
  capabilities = ["create", "read", "update", "delete"]
}
# A tenant's key, of this one shape: the operator makes it and reads what is told of it. Another shape, its deletion,
# export, backup and import are refused, and so is every setting but the one that forbids deletion.
path "transit/keys/casino-*" {
  capabilities = ["create", "read", "update"]
  allowed_parameters = {
    "type"                   = ["aes256-gcm96"]
    "derived"                = [false]
    "exportable"             = [false]
    "allow_plaintext_backup" = [false]
    "deletion_allowed"       = [false]
  }
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
# What a tenant's backups are sealed under: made once, by who can neither read nor replace it.
path "kv/data/tenants/+/backup" {
  capabilities = ["create"]
}
path "kv/metadata/tenants/+/backup" {
  capabilities = ["read"]
}
# How each of them ended.
path "kv/data/tenants/+/backups/+" {
  capabilities = ["read"]
}
