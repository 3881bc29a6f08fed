#!/usr/bin/python3
"""The files of a container, judged by the programs that read them, and against each other.

docker-compose reads compose.yaml (it needs no engine for that), ShellCheck the entry point, Postfix
main.cf and master.cf. What no program here can tell, that everything a file refers to is there, and
that no secret gets into the image, is looked up in the files.
"""
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

SOURCE = pathlib.Path(os.environ["POSTERN_SOURCE"])
PASSWORD = "s3ntinel-of-the-provider"
NAMES = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # RFC 1035 labels, which Kubernetes asks for

VARIANTS = {
    "all at once": """
postern: 1
domains:
  example.com: {dkim: {sign_at: App_Relay, selector: mail}}
  example.org: {dkim: {sign_at: App_Relay, selector: s1.2026, key: /etc/keys/org.private}}
networks:
  app: [172.28.0.0/24, "fd00:28::/64"]
  back_office: 10.20.0.0/16
nodes:
  App_Relay:
    kind: postfix
    deployment:
      base: debian:trixie-slim
      image: registry.example.com:5000/relay:1
      volumes: {queue: mail-queue}
    hostname: relay.example.com
    addresses: {app: [172.28.0.25, "fd00:28::25"], internet: 11.22.33.44}
    clients: [app, back_office]
    tls: {certificate: /etc/ssl/relay/cert.pem, key: /etc/ssl/relay/key.pem}
    map_type: lmdb
  provider: {kind: smarthost, host: smtp.provider.example,
             credentials: {username: u, password: {env: PROVIDER_PASSWORD}}}
routes:
  - {name: out, from: [example.com, example.org], path: [App_Relay, provider]}
""",
    "names that YAML takes for something else": """
postern: 1
domains: {example.com: {dkim: {sign_at: "1_", selector: "1"}}}
networks: {"no": 10.1.0.0/16, "12": 10.2.0.0/16}
nodes:
  "1_": {kind: postfix, deployment: {networks: ["no", "12"], image: "1:2", volumes: {queue: "1", data: "2"}},
         hostname: relay.example.com, addresses: {"no": 10.1.0.2, internet: 11.22.33.44}, clients: ["no", "12"]}
routes:
  - {name: out, from: [example.com], path: ["1_", internet]}
""",
    "as little as there can be": """
postern: 1
domains:
  example.com: {}
networks: {app: 10.0.0.0/8}
nodes:
  relay: {kind: postfix, deployment: container, hostname: relay.example.com, clients: app,
          map_type: inline}
routes:
  - {name: out, from: [example.com], path: [relay, internet]}
""",
}

failures = []


class Container:
    """One rendered node, and what its files say."""

    def __init__(self, name, tree, node):
        self.name, self.folder = name, tree / node
        self.manifest = json.loads((tree / "manifest.json").read_text())
        self.dockerfile = (self.folder / "Dockerfile").read_text()
        self.kubernetes = list(yaml.safe_load_all((self.folder / "kubernetes.yaml").read_text()))

    def fail(self, *words):
        failures.append(f"{self.name}: " + " ".join(str(word) for word in words))

    def expect(self, what, got, wanted):
        if got != wanted:
            self.fail(f"{what}: {got!r}, wanted {wanted!r}")

    def run(self, *command, **options):
        result = subprocess.run(command, check=False, text=True, cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        if result.returncode or result.stderr:
            self.fail(command[0], "says", result.stdout, result.stderr)
        return result.stdout

    def postconf(self, parameter):
        return self.run("postconf", "-c", self.folder, "-xh", parameter).strip()

    def copied(self):
        """Files that the image takes from this folder."""
        lines = re.findall(r"^COPY (?!--from)(?:--chmod=\S+ )?(.*) \S+$", self.dockerfile, re.M)
        return {name for line in lines for name in line.split()}

    def check_image(self):
        ignored = (self.folder / ".dockerignore").read_text().splitlines()
        allowed = {line[1:] for line in ignored if line.startswith("!")}
        self.expect("first pattern of .dockerignore",
                    [line for line in ignored if not line.startswith("#")][0], "*")
        self.expect("files that .dockerignore lets through", allowed, self.copied())
        for name in self.copied():
            path = self.folder / name
            if not path.is_file():
                self.fail("COPY of a file that is not there:", name)
            elif path.stat().st_mode & 0o777 not in (0o644, 0o755):
                self.fail("a secret is copied into the image:", name)
        arguments = re.findall(r"^ARG (\w+)", self.dockerfile, re.M)
        for used in re.findall(r"\$\{(\w+)\}", self.dockerfile):
            if used not in arguments:
                self.fail("Dockerfile uses what it does not declare:", used)

    def check_postfix(self, secrets):
        """Postfix takes the files, and each one that they name is in the image or mounted."""
        for option in ("-n", "-M", "-P"):
            self.run("postconf", "-c", self.folder, option)
        self.expect("its log", self.postconf("maillog_file"), "/dev/stdout")
        for parameter in ("mydestination", "relay_domains"):
            self.expect(parameter, self.postconf(parameter), "")
        services = self.run("postconf", "-c", self.folder, "-M").splitlines()
        ports = {line.split()[0] for line in services if line.split()[1] == "inet"}
        self.expect("listeners", ports, {"submission"})
        there = self.copied() | {pathlib.Path(path).name for path in secrets.values()
                                 if path.startswith("/etc/postfix/")}
        text = (self.folder / "main.cf").read_text()
        for name in re.findall(r"\$\{config_directory\}/([\w.-]+)", text):
            if name not in there:
                self.fail("main.cf refers to a file that is nowhere:", name)
        for parameter in ("smtpd_tls_cert_file", "smtpd_tls_key_file"):
            path = self.postconf(parameter)
            if path and path not in secrets.values():
                self.fail("no", parameter, "is mounted:", path)

    def check_entry_point(self):
        path = self.folder / "entrypoint"
        self.expect("mode of the entry point", path.stat().st_mode & 0o777, 0o755)
        self.run("shellcheck", path)
        installed = [file["install"] for node in self.manifest["nodes"] for file in node["files"]
                     if file["path"].endswith("/entrypoint")][0]
        self.expect("ENTRYPOINT", re.search(r'^ENTRYPOINT \["(.*)"\]', self.dockerfile, re.M)[1],
                    installed)
        for table in re.findall(r"^postmap (\w+):(\S+)$", path.read_text(), re.M):
            self.expect("type of an indexed table", table[0], "lmdb")
        return installed

    def check_compose(self, entry_point):
        """compose.yaml means what it should; returns name -> path of the secrets it mounts."""
        parsed = yaml.safe_load(self.run("docker-compose", "-f", "compose.yaml", "config",
                                         env={**os.environ, "POSTERN_SECRETS": "/srv/relay"}))
        service, = parsed["services"].values()
        self.expect("hostname", service["hostname"], self.postconf("myhostname"))
        self.expect("health check", service["healthcheck"]["test"], ["CMD", entry_point, "health"])
        self.expect("root file system", service["read_only"], True)
        self.expect("capabilities dropped", service["cap_drop"], ["ALL"])
        mounts = dict(volume.split(":")[:2][::-1] for volume in service["volumes"])
        self.expect("volumes", set(mounts),
                    {self.postconf("queue_directory"), self.postconf("data_directory")})
        self.expect("declared volumes", set(parsed["volumes"]), set(mounts.values()))
        self.expect("declared networks", set(parsed["networks"]), set(service["networks"]))
        secrets = {secret["source"]: secret["target"] for secret in service.get("secrets", [])}
        for name, path in secrets.items():
            file = parsed["secrets"][name]["file"]
            wanted = (str(self.folder / "sasl_passwd") if path == "/etc/postfix/sasl_passwd"
                      else "/srv/relay" + path)
            self.expect(f"source of the secret {name}", file, wanted)
        return parsed, secrets

    def check_kubernetes(self, entry_point, compose, secrets):
        service, stateful = self.kubernetes
        name = stateful["metadata"]["name"]
        pod = stateful["spec"]["template"]
        container, = pod["spec"]["containers"]
        labels = pod["metadata"]["labels"]
        self.expect("kinds", (service["kind"], stateful["kind"]), ("Service", "StatefulSet"))
        self.expect("serviceName", stateful["spec"]["serviceName"], service["metadata"]["name"])
        self.expect("selectors", (service["spec"]["selector"], stateful["spec"]["selector"]),
                    (labels, {"matchLabels": labels}))
        self.expect("port of the service", service["spec"]["ports"][0]["targetPort"],
                    container["ports"][0]["name"])
        self.expect("port", container["ports"][0]["containerPort"], 587)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            self.expect(probe, container[probe]["exec"]["command"], [entry_point, "health"])
        security = container["securityContext"]
        self.expect("root file system", security["readOnlyRootFilesystem"], True)
        self.expect("capabilities", security["capabilities"],
                    {"drop": ["ALL"], "add": compose["cap_add"]})
        claims = {claim["metadata"]["name"] for claim in stateful["spec"]["volumeClaimTemplates"]}
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        used = {mount["name"] for mount in container["volumeMounts"]}
        self.expect("volumes that are mounted", used, claims | set(volumes))
        paths = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        for parameter in ("queue_directory", "data_directory"):
            self.expect(f"{parameter} outlives the pod", paths[self.postconf(parameter)]["name"] in claims,
                        True)
        mounted = {mount["subPath"]: mount["mountPath"] for mount in paths.values() if "subPath" in mount}
        self.expect("secrets", mounted, secrets)
        for volume in volumes.values():
            self.expect("Secret or memory", volume.get("secret", {}).get("secretName")
                        or volume.get("emptyDir", {}).get("medium"),
                        f"{name}-secrets" if volume["name"] == "secrets" else "Memory")
        self.expect("what may be written", {path for path in paths if paths[path]["name"] in
                                            claims | {"run", "tmp"}},
                    {volume.split(":")[1] for volume in compose["volumes"]}
                    | {path.split(":")[0] for path in compose["tmpfs"]})
        for label in (name, *secrets):
            if not NAMES.fullmatch(label) or len(label) > 63:
                self.fail("no name for Kubernetes:", label)
        comment = (self.folder / "kubernetes.yaml").read_text()
        self.expect("keys of the Secret", set(re.findall(r"--from-file=([^=]+)=", comment)), set(secrets))

    def check_secrets(self):
        for path in self.folder.iterdir():
            text, mode = path.read_text(), path.stat().st_mode & 0o777
            if PASSWORD in text and (mode != 0o600 or path.name in self.copied()):
                self.fail("the password is in", path.name)
            if "PRIVATE KEY" in text:
                self.fail("a key is in", path.name)

    def check(self):
        entry_point = self.check_entry_point()
        parsed, secrets = self.check_compose(entry_point)
        self.check_image()
        self.check_postfix(secrets)
        self.check_kubernetes(entry_point, *parsed["services"].values(), secrets)
        self.check_secrets()
        return parsed, secrets


def render(topology, work):
    subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", work / "out", topology], check=True,
                   env={**os.environ, "PROVIDER_PASSWORD": PASSWORD})
    return work / "out"


def check_all_at_once(parsed, secrets):
    """What the topology above says, by hand."""
    service, = parsed["services"].values()
    got = {
        "image": service["image"],
        "networks": service["networks"],
        "app": parsed["networks"]["app"],
        "back_office": parsed["networks"]["back_office"],
        "volumes": set(parsed["volumes"]),
        "secrets": secrets,
    }
    wanted = {
        "image": "registry.example.com:5000/relay:1",
        "networks": {"app": {"ipv4_address": "172.28.0.25", "ipv6_address": "fd00:28::25"},
                     "back_office": {}},
        "app": {"name": "app", "enable_ipv6": True,
                "ipam": {"config": [{"subnet": "172.28.0.0/24"}, {"subnet": "fd00:28::/64"}]}},
        # it says whom to trust, and not what Docker should make
        "back_office": {"name": "back_office", "enable_ipv6": False},
        "volumes": {"mail-queue", "app-relay-data"},
        "secrets": {"sasl-passwd": "/etc/postfix/sasl_passwd",
                    "dkim-example-com-mail": "/etc/postern/keys/example.com/mail.private",
                    "dkim-example-org-s1-2026": "/etc/keys/org.private",
                    "tls-certificate": "/etc/ssl/relay/cert.pem", "tls-key": "/etc/ssl/relay/key.pem"},
    }
    for key, value in wanted.items():
        if got[key] != value:
            failures.append(f"all at once: {key}: {got[key]!r}, wanted {value!r}")


def check_families(container):
    """A container with an IPv6 address inside, and none outside, sends over IPv4 only."""
    container.expect("inet_protocols", container.postconf("inet_protocols"), "all")
    services = container.run("postconf", "-c", container.folder, "-P")
    container.expect("clients with IPv4 only",
                     sorted(fnmatch.filter(services.splitlines(), "*/inet_protocols = *")),
                     ["smtp/unix/inet_protocols = ipv4"])


def main():
    os.environ["PATH"] += ":/usr/sbin"
    for program in ("docker-compose", "shellcheck", "postconf"):
        if not shutil.which(program):
            print(f"needs {program}")
            return 77
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        topologies = {path.parent.name: path for path in SOURCE.glob("examples/app-relay*/topology.yaml")}
        for name, text in VARIANTS.items():
            topologies[name] = pathlib.Path(folder) / (name.replace(" ", "-") + ".yaml")
            topologies[name].write_text(text)
        for number, (name, topology) in enumerate(topologies.items()):
            work = pathlib.Path(folder) / str(number)
            work.mkdir()
            tree = render(topology, work)
            node, = (path.parent.name for path in tree.glob("*/Dockerfile"))
            container = Container(name, tree, node)
            result = container.check()
            count += 1
            if name == "all at once":
                check_all_at_once(*result)
                check_families(container)
    for line in failures:
        print(line)
    print(count, "containers,", len(failures), "failures")
    return bool(failures) or count < 5


sys.exit(main())
