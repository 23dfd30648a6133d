"""What PostgreSQL and OpenBao hold before there is a tenant, as data: the site's playbook applies the same files."""
