# What has certificates signed may do in OpenBao: that, by a tenant's role, and take one back. It makes the keys itself
# and may neither read a role nor change one.
path "pki/sign/casino-*" {
  capabilities = ["update"]
}
path "pki/revoke" {
  capabilities = ["update"]
}
