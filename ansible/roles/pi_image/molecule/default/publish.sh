#!/bin/sh
# A lab's repository: one playbook, one inventory with a variable from its vault.
set -eu
host=$1
work=$(mktemp -d)
cd "$work"
git init -q -b main .
mkdir -p inventories/lab/group_vars/all
cat >inventories/lab/hosts.yml <<END
pis: {hosts: {$host: {ansible_host: 192.0.2.1}, other: {ansible_host: 192.0.2.2}}}
END
printf 'a password of the vault' >password
echo 'secret_word: found in the vault' >vault.yml
/opt/soclab/ansible/bin/ansible-vault encrypt --vault-password-file password \
  --output inventories/lab/group_vars/all/vault.yml vault.yml
rm password vault.yml
cat >first.yml <<'END'
- hosts: pis
  become: true
  tasks:
    - ansible.builtin.copy:
        dest: /etc/provisioned
        content: >
          {{ inventory_hostname }} by {{ ansible_facts['python']['executable'] }}: {{ secret_word }}
        mode: "0644"
END
git add .
git -c user.name=lab -c user.email=lab@example.org commit -q -m 'A lab'
git clone -q --bare "$work" /srv/lab.git.part
mv /srv/lab.git.part /srv/lab.git
rm -rf "$work"
