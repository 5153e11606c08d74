"""A new Ansible inventory: the description of a lab, with generated secrets in a vault."""
