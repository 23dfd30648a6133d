# What makes a database's first logins may do in OpenBao: tell it of the database, and try it. It gives its token back
# when it is done.
path "database/config/postgresql" {
  capabilities = ["create", "read", "update"]
}
path "database/reset/postgresql" {
  capabilities = ["create", "update"]
}
path "database/rotate-root/postgresql" {
  capabilities = ["create", "update"]
}
path "database/roles/domicile-provisioner" {
  capabilities = ["create", "read", "update"]
}
path "database/creds/domicile-provisioner" {
  capabilities = ["read"]
}
