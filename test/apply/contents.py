#!/usr/bin/python3
"""
What apply makes of the files: what others wrote stays, what the topology no longer says is given
back, what somebody changed by hand is told; secrets are shown nowhere; rollback is exact.
"""
import json
import os
import stat
import subprocess

from applylib import (EXAMPLE, Machine, check, equal, finish, need_root_and_postfix,
                      same_files)

need_root_and_postfix()


def quick():
    """A machine whose programs answer at once."""
    made = Machine()
    made.quick()
    return made


def files(machine):
    """The folder, entry by entry, without its own time."""
    return {name: value for name, value in machine.exact().items() if name != "."}


with open(EXAMPLE, encoding="utf-8") as example:
    WORDS = example.read()


def variant(machine, name, text):
    """Another topology."""
    path = f"{machine.work}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


# overlay: what others wrote stays, line by line and in its order; postconf reads what both say
machine = quick()
original = machine.exact()
planned = machine.plan()
equal(planned.returncode, 2, "a plan with changes")
check("hunter2" not in planned.stdout + planned.stderr and "smtp_sasl_password_maps" not in planned.stdout.replace(
    " smtp_sasl_password_maps = ********", ""), "a password of others is masked in the context")
same_files(machine.exact(), original, "a plan changes nothing")
check(not os.path.exists(machine.states), "nor makes folders")
equal(machine.apply("--no-reload").returncode, 0, "apply")
equal(machine.plan().returncode, 0, "then nothing would change")
check(not os.path.exists(f"{machine.work}/postern"), "no folder for files that there are none of")
was, now = original["main.cf"][0].decode(), machine.read("main.cf").decode()
kept = [line for line in was.splitlines() if line and not line.startswith(("mynetworks", "    10.1.2", "smtpd_banner"))]
position = 0
for line in kept:
    found = now.find(line + "\n", position)
    check(found >= 0, f"{line!r} stays, in its place")
    position = max(position, found)
for name, value in (("message_size_limit", "20000000"), ("default_destination_concurrency_limit", "3"),
                    ("mynetworks", "127.0.0.0/8 [::1]/128 192.168.2.3/32"), ("relayhost", "")):
    equal(machine.postconf("-h", name)[1].split(), value.split(), f"postconf: {name}")
equal(machine.postconf("-Mf", "relay/unix")[1].split()[8:],
      ["-o", "smtp_fallback_relay=", "-o", "syslog_name=postfix/$service_name"], "an option by hand stays")
check("maildrop" in machine.postconf("-M")[1], "so do services")

# what a rendered folder means to Postfix is what the overlay means, for all that the topology names
rendered = f"{machine.work}/out"
subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", rendered, EXAMPLE], check=True)
settings = dict(line.split(" =", 1) for line in subprocess.run(
    ["postconf", "-c", f"{rendered}/public", "-n"], capture_output=True, text=True, check=True,
    env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}).stdout.splitlines())
settings.pop("config_directory", None)
overlaid = dict(line.split(" =", 1) for line in machine.postconf("-n")[1].splitlines())
check(len(settings) > 30, "the rendered folder has settings")
for name, value in settings.items():
    equal(overlaid.get(name), value, f"rendered and overlaid: {name}")

# back, exactly, times included
equal(machine.run("rollback", "--yes", "--no-reload").returncode, 0, "rollback")
same_files(machine.exact(), original, "rollback is exact")
machine.remove()

# what the topology no longer says: former lines and tables come back, the rest goes
machine = quick()
original = files(machine)
equal(machine.apply("--no-reload").returncode, 0, "apply")
more = WORDS.replace("    addresses: {internet: 11.22.33.44, vpn: 192.168.2.2}\n",
                     "    addresses: {internet: 11.22.33.44, vpn: 192.168.2.2}\n"
                     "    extra: {message_size_limit: '1000', anvil_rate_time_unit: 30s}\n")
assert more != WORDS
equal(machine.apply("--no-reload", topology=variant(machine, "more.yaml", more)).returncode, 0, "more")
check("message_size_limit = 1000\n" in machine.read("main.cf").decode(), "a setting of others is replaced in its place")
equal(machine.apply("--no-reload", topology=variant(machine, "more.yaml", WORDS)).returncode, 0, "less again")
check("message_size_limit = 20000000\n" in machine.read("main.cf").decode(), "it is given back")
check("anvil_rate_time_unit" not in machine.read("main.cf").decode(), "and what was added goes")

# drift
machine.write("main.cf", machine.read("main.cf").replace(b"disable_vrfy_command = yes", b"disable_vrfy_command = no") + b"mine = 1\n")
os.remove(f"{machine.etc}/transport")
path = variant(machine, "more.yaml", WORDS)
drift = json.loads(machine.plan("--format", "json", topology=path).stdout)
equal(sorted((entry["name"], entry["change"]) for entry in drift["drift_entries"]),
      [("disable_vrfy_command", "changed"), ("mine", "added")], "drift by setting")
equal(sorted((os.path.basename(entry["path"]), entry["change"]) for entry in drift["drift"]),
      [("main.cf", "changed"), ("transport", "removed")], "drift by file")
equal([(entry["name"], entry["change"]) for entry in drift["entries"]], [("disable_vrfy_command", "changed")],
      "what is ours is set again")
check("Changed by hand since the last apply" in machine.plan(topology=path).stdout, "the text says so, too")
equal(machine.apply("--no-reload", topology=path).returncode, 0, "apply over drift")
check(b"\nmine = 1\n" in machine.read("main.cf"), "what is theirs stays")
equal(machine.plan("--format", "json", topology=path).stdout.count('"drift": []'), 1, "then there is no drift")
equal(machine.run("rollback", "--yes", "--no-reload", "--to", "0").returncode, 0, "rollback over all of it")
same_files(files(machine), original, "to the beginning")
# by hand, and then not in the topology any more: theirs
equal(machine.apply("--no-reload", topology=variant(machine, "more.yaml", more)).returncode, 0, "more again")
machine.write("main.cf", machine.read("main.cf").replace(b"anvil_rate_time_unit = 30s", b"anvil_rate_time_unit = 31s"))
ended = machine.apply("--no-reload", topology=variant(machine, "more.yaml", WORDS))
check("now yours" in ended.stdout and b"anvil_rate_time_unit = 31s" in machine.read("main.cf"), "changed by hand: theirs")
machine.remove()

# what Postfix needs: a restart only where a setting that needs it really changes
machine = quick()
machine.write("main.cf", "inet_protocols = ipv4\n")
needs = [json.loads(machine.plan("--format", "json").stdout)["needs"]]
machine.write("main.cf", "inet_protocols = all\n")
needs.append(json.loads(machine.plan("--format", "json").stdout)["needs"])
machine.write("main.cf", "inet_protocols = ipv4\ninet_interfaces = loopback-only\n")
needs.append(json.loads(machine.plan("--format", "json").stdout)["needs"])
equal(needs, ["reload", "restart", "restart"], "what Postfix needs")
machine.remove()

# as JSON, the plan is all that is on standard output
machine = quick()
ended = machine.apply("--no-reload", "--format", "json")
plan = json.loads(ended.stdout)
check(plan["changes"] and plan["node"] == "public" and "State 1 is in place" in ended.stderr, "apply as JSON")
equal({entry["change"] for entry in plan["files"]}, {"added", "changed"}, "its files")
check(plan["unmanaged"]["settings"] >= 4 and plan["unmanaged"]["services"] >= 5, "what is left alone is counted")
machine.remove()

# full: the rendered files, octet by octet; and back
machine = quick()
original = machine.exact()
equal(machine.apply("--no-reload", "--mode", "full").returncode, 0, "full")
subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", f"{machine.work}/out", EXAMPLE], check=True)
for name in os.listdir(f"{machine.work}/out/public"):
    with open(f"{machine.work}/out/public/{name}", "rb") as file:
        equal(machine.read(name), file.read(), f"full: {name}")
equal(machine.plan("--mode", "full").returncode, 0, "full: nothing would change")
equal(machine.run("rollback", "--yes", "--no-reload").returncode, 0, "full: rollback")
same_files(machine.exact(), original, "full: rollback is exact")
machine.remove()

# a table of the same name made by hand, modes, CRLF, no line feed at the end, access control lists
machine = quick()
machine.write("transport", "hand.example smtp:[10.0.0.1]\n", 0o640)
machine.write("main.cf", b"# theirs\r\nrelayhost = [mx.example.net]\r\nmessage_size_limit = 5\r\nmynetworks = 10.0.0.0/8", 0o600)
original = files(machine)
equal(machine.apply("--no-reload").returncode, 1, "a table made by hand")
ended = machine.apply("--no-reload", "--take-over")
equal(ended.returncode, 0, f"--take-over: {ended.stderr[-300:]}")
text = machine.read("main.cf")
check(text.count(b"\r\n") == text.count(b"\n"), "lines end as the file's do")
equal(stat.S_IMODE(os.stat(f"{machine.etc}/main.cf").st_mode), 0o600, "the file keeps its mode")
equal(machine.postconf("-h", "relayhost")[1].strip(), "", "CRLF: relayhost")
equal(machine.postconf("-h", "message_size_limit")[1].strip(), "5", "CRLF: others")
equal(machine.run("rollback", "--yes", "--no-reload", "--to", "0").returncode, 0, "rollback")
same_files(files(machine), original, "all of it is back")
machine.remove()

# a login: its file is closed, the password is in no output, and the copies are closed as well
machine = quick()
machine.write("sasl_passwd", "old.example bob:oldsecret\n", 0o644)
secret = variant(machine, "secret", "s3cr3tw0rd")
os.chmod(secret, 0o600)
login = WORDS.replace("nodes:\n", "nodes:\n  provider:\n    kind: smarthost\n    host: smtp.provider.example\n    port: 587\n"
                      f"    credentials: {{username: alice, password: {{file: {secret}}}}}\n", 1).replace(
                          "path: [private, public, internet]", "path: [private, public, provider]")
path = variant(machine, "login.yaml", login)
planned = machine.plan("--take-over", topology=path)
equal(planned.returncode, 2, f"a plan with a login: {planned.stderr[-500:]}")
ended = machine.apply("--no-reload", "--take-over", topology=path)
equal(ended.returncode, 0, f"apply with a login: {ended.stderr[-500:]}")
with open(secret, "w", encoding="ascii") as file:
    file.write("0th3rw0rd")
again = machine.apply("--no-reload", "--take-over", topology=path)
drifted = machine.read("sasl_passwd")
check(b"0th3rw0rd" in drifted, "the new password is in place")
machine.write("sasl_passwd", drifted.replace(b"0th3rw0rd", b"th1rdw0rd"), 0o600)
third = machine.plan("--take-over", topology=path)
as_json = machine.plan("--take-over", "--format", "json", topology=path)
listed = machine.run("rollback", "--list", "--format", "json")
back = machine.run("rollback", "--yes", "--no-reload")
said = "".join(one.stdout + one.stderr for one in (planned, ended, again, third, as_json, listed, back))
for word in ("s3cr3tw0rd", "0th3rw0rd", "th1rdw0rd", "oldsecret", "hunter2"):
    check(word not in said, f"{word} is nowhere in the output")
check("********" in said and "sasl_passwd" in said, "the file is, masked")
for folder, _, names in os.walk(machine.states):
    if "/apply/" in folder:
        equal(stat.S_IMODE(os.stat(folder).st_mode) & 0o077, 0, f"{folder} is closed")
    for name in names:
        if name.endswith((".json", "journal", "sasl_passwd")):
            # the one that was there before was open: so is its copy, in a closed folder
            mode = stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode)
            check(mode & 0o077 == 0 or "0001/former" in folder, f"{folder}/{name} is closed: {mode:o}")
machine.remove()

# docker-mailserver: its overrides, as files
machine = quick()
config = f"{machine.work}/config"
os.mkdir(config)
os.chown(config, 12345, 12345)
with open(f"{config}/postfix-main.cf", "w", encoding="ascii") as file:
    file.write("# by hand\nmessage_size_limit = 7\n")
ended = machine.run("plan", "--state-dir", machine.states, "--host", "private", EXAMPLE, folders=False)
equal((ended.returncode, "--config-dir docker-data/dms/config" in ended.stderr), (1, True), "docker-mailserver without its folder")
dms = ("--config-dir", config, "--state-dir", machine.states, "--host", "private")
equal(machine.run("plan", *dms, EXAMPLE, folders=False).returncode, 2, "a plan for docker-mailserver")
ended = machine.run("apply", *dms, "--yes", EXAMPLE, folders=False)
equal(ended.returncode, 0, f"docker-mailserver: {ended.stderr[-300:]}")
check("--force-recreate" in ended.stdout and "/etc/postern/postern-milter.conf" in ended.stdout,
      "the container has to be made anew, and what is left is said")
with open(f"{config}/postfix-main.cf", encoding="ascii") as file:
    text = file.read()
check(text.startswith("# by hand\nmessage_size_limit = 7\n") and "relayhost" in text, "overrides by hand stay")
equal(sorted(os.listdir(config)), ["postfix-main.cf", "postfix-master.cf", "postfix-relaymap.cf"], "its files")
equal(os.stat(f"{config}/postfix-relaymap.cf").st_uid, 12345, "they belong to the folder's owner")
equal(machine.run("plan", *dms, EXAMPLE, folders=False).returncode, 0, "then nothing would change")
equal(machine.run("rollback", "--config-dir", config, "--state-dir", machine.states, "--yes", folders=False).returncode,
      0, "rollback")
equal(os.listdir(config), ["postfix-main.cf"], "and back")
machine.remove()

# many states: the oldest go
machine = quick()
saved = None
for number in range(6):
    text = WORDS.replace("    addresses: {internet: 11", f"    extra: {{delay_warning_time: {number + 1}h}}\n    addresses: {{internet: 11", 1)
    equal(machine.apply("--no-reload", "--keep", "3", topology=variant(machine, "t.yaml", text)).returncode, 0, "one of many")
    saved = saved if number > 3 else files(machine)
states = json.loads(machine.run("rollback", "--list", "--format", "json").stdout)
equal([state["state"] for state in states], [4, 5, 6], "three are kept")
equal(machine.run("rollback", "--yes", "--no-reload", "--to", "1").returncode, 1, "one that is forgotten")
equal(machine.run("rollback", "--yes", "--no-reload", "--to", "4").returncode, 0, "one that is not")
same_files(files(machine), saved, "it is what it was")
equal(machine.run("rollback", "--yes", "--no-reload", "--to", "6").returncode, 0, "and forward again")
check(b"delay_warning_time = 6h" in machine.read("main.cf"), "to the last")
machine.remove()
finish()
