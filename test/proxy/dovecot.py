"""What Dovecot understands of a rendered dovecot.cf, by its own doveconf."""
import re
import subprocess

# What stands before it where it is included: docker-mailserver's, as little as doveconf is content with.
BEFORE = {
    "2.3": "protocols = imap pop3 sieve\nssl = yes\nssl_cert = x\nssl_key = x\n",
    "2.4": "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"
           "protocols = imap pop3 sieve\nssl_server_cert_file = /etc/ssl/certs/ca-certificates.crt\n",
}


def listeners_of(text):
    """inet_listeners with what is set in them: {name: {key: value}}."""
    found, current = {}, None
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["inet_listener"]:
            current = found.setdefault(words[1], {})
        elif words == ["}"]:
            current = None
        elif current is not None and len(words) == 3:
            current[words[0]] = words[2]
    return found


def complaints(file, work, version, trusted, wanted, root=None):
    """A list of what doveconf says against a file, and of what it reads otherwise than demanded.

    The doveconf is that of a root folder, which must see `work` by the same path, or this machine's.
    """
    config = work / "dovecot.conf"
    config.write_text(f"{BEFORE[version]}!include {file}\n")
    result = subprocess.run([*(["chroot", root] if root else []), "doveconf", "-n", "-c", config],
                            capture_output=True, text=True, timeout=60, check=False)
    if result.returncode or result.stderr:
        return [f"doveconf gives {result.returncode} and says {result.stderr}"]
    found = []

    def expect(what, got, expected):
        if got != expected:
            found.append(f"{what}: got {got!r}, wanted {expected!r}")

    networks = re.search(r"^haproxy_trusted_networks = (.*)$", result.stdout, re.M)
    expect("haproxy_trusted_networks", set(networks[1].split()) if networks else None, trusted)
    listeners = {name: keys for name, keys in listeners_of(result.stdout).items()
                 if "haproxy" in keys}
    expect("Dovecot's listeners", set(listeners), set(wanted))
    for name, (port, haproxy, ssl) in wanted.items():
        keys = listeners.get(name, {})
        expect(f"{name}: haproxy", keys.get("haproxy") == "yes", haproxy)
        if port:  # those that are there already keep their own port and TLS
            expect(f"{name}: port", keys.get("port"), str(port))
            expect(f"{name}: ssl", keys.get("ssl") == "yes", ssl)
    return found
