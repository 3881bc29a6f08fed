#!/usr/bin/python3
"""Compares confgen/configuration with the installed Postfix on odd files, made at random.

    configuration_oracle.py CONFIGURATION_DUMP [SEED]

postconf judges main.cf, master.cf and expansion, postmap -q judges tables, postconf -d the table of
parameters. What one of them refuses, the other must refuse as well.
"""

import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import warnings

DUMP = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 20250701
# Postfix's programs wait a second before they give up, so the odd files are few in each run.
ROUNDS = {"main": 50, "master": 50, "expand": 100, "table": 40, "inline": 30, "cidr": 30, "regexp": 60,
          "pcre": 60}
NAMES = ["myorigin", "mydestination", "relayhost", "mynetworks", "smtpd_banner", "relay_domains"]


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


POSTCONF, POSTMAP = find("postconf"), find("postmap")


def spaces(text):
    return re.sub(r"[ \t\r\n\v\f]+", " ", text).strip()


def run(*argv, stdin=b""):
    environment = dict(os.environ, LC_ALL="C")
    done = subprocess.run(argv, input=stdin, capture_output=True, env=environment, timeout=20,
                          check=False)
    return done.returncode, done.stdout.decode("utf-8" if argv[0] == DUMP else "iso-8859-1"), done.stderr.decode("iso-8859-1")


def dump(*argv, stdin=b""):
    status, out, errors = run(DUMP, *argv, stdin=stdin)
    if status != 0:
        raise AssertionError(f"configuration_dump {argv}: {status}: {errors}")
    return json.loads(out), errors


def write(folder, main_cf, master_cf=""):
    pathlib.Path(folder, "main.cf").write_bytes(main_cf.encode("iso-8859-1"))
    pathlib.Path(folder, "master.cf").write_bytes(master_cf.encode("iso-8859-1"))


def compare_main(dice):
    """Lines that begin, continue, end or fail in every way."""
    pieces = ["a", "b c", "#", "=", " ", "\t", "\r", "\\", "{", "}", "{ x }", ",", "é", "\v", "'", '"', ";"]
    lines = []
    for _ in range(dice.randint(1, 7)):
        text = "".join(dice.choice(pieces) for _ in range(dice.randint(0, 4)))
        if dice.random() < 0.05:
            lines.append(dice.choice(["=x", "x", ".....", "a b = c", "$x"]))
        elif dice.random() < 0.5:
            equals = dice.choice(["=", " = ", "=  ", "\t=\t"])
            lines.append(dice.choice(NAMES) + equals + text)
        else:
            lines.append(dice.choice([" ", "\t", "", "#", "  #", " ", "\f"]) + text)
    # Text at the beginning of a line that happens to have no '=' is refused by both.
    text = "\n".join(lines) + dice.choice(["", "\n", "\n\n"])
    with tempfile.TemporaryDirectory() as folder:
        write(folder, text)
        status, out, _ = run(POSTCONF, "-c", folder, "-n")
        ours, _ = dump(folder)
    if not ours["loaded"] or ours["main_broken"]:
        return None if status != 0 else f"refused here only: {text!r}"
    if status != 0:
        return f"refused by postconf only: {text!r}"
    theirs = {}
    for line in out.split("\n"):
        name, _, value = line.partition("=")
        if name.strip() in NAMES:
            theirs[name.strip()] = spaces(value)
    here = {item["name"]: spaces(item["value"]) for item in ours["main"]
            if not item["overridden"] and item["name"] in NAMES}
    return None if here == theirs else f"{text!r}: {here}, postconf {theirs}"


def compare_master(dice):
    fields = [["smtp", "a:b", "10.0.0.1:25", "{a b}"], ["inet", "unix", "fifo", "pass", "unix-dgram", "tcp"],
              ["n"], ["-", "y", "n"], ["-", "n", "x"], ["-", "1", "1?", "?", "1x"], ["-", "0", "3", "3?"],
              ["smtpd", "pipe", "/usr/lib/smtpd"]]
    words = ["-o", "-v", "a=b", "{ a = b c }", "{a=b}", "-oa=b", "-o{ a = b }", "-vo", "{ x", "x}",
             "{a}b", "flags=R", "{ }", "myorigin=$x", "=", "-o a=b", "-o b={c d}", "-o c=", "-o {d = }"]
    lines = []
    for _ in range(dice.randint(1, 3)):
        entry = [dice.choice(field if dice.random() < 0.2 else field[:3]) for field in fields]
        if dice.random() < 0.05:
            entry = entry[:dice.randint(1, 7)]
        separator = dice.choice([" ", "\t", "  ", "\n "])
        entry += [dice.choice(words) for _ in range(dice.randint(0, 5))]
        lines.append(separator.join(entry))
        if dice.random() < 0.3:
            lines.append(dice.choice(["", "# comment", " # comment", "  -o e=f"]))
    text = "\n".join(lines) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "", text)
        status, table, errors = run(POSTCONF, "-c", folder, "-M")
        _, settings, _ = run(POSTCONF, "-c", folder, "-P")
        ours, complaint = dump(folder)
    if status != 0:
        return None if ours["master_broken"] else f"refused by postconf only: {text!r}: {errors}"
    if len(ours["services"]) != len(table.rstrip("\n").split("\n")):
        return f"{text!r}: {len(ours['services'])} services, postconf {table!r} {complaint}"
    # postconf prints braces only where there is white space inside: compared without them.
    for service, line in zip(ours["services"], table.split("\n")):
        words = service["fields"] + [re.sub(r"\s*=\s*", "=", word, count=1) for word in service["arguments"]]
        left = re.sub(r"[{}\s]", "", " ".join(words))
        right = re.sub(r"[{}\s]", "", line)
        if left != right:
            return f"{text!r}: {words}, postconf {line!r}"
    theirs = {}
    for line in settings.split("\n"):
        if line:
            name, _, value = line.partition("=")
            theirs[name.strip()] = spaces(value)
    here = {}
    for service in ours["services"]:
        for item in service["overrides"]:
            here["/".join(service["fields"][:2] + [item["name"]])] = spaces(item["value"])
    return None if here == theirs else f"{text!r}: {here}, postconf {theirs}"


def expression(dice, depth=0):
    """An expression, as a rule a right one."""
    if depth > 3 or dice.random() < 0.3:
        return dice.choice(["x", " ", "10", "9", "3.6", "$$", "$one", "$empty", "${undefined}", "$(one)",
                            "$none", "$two", "${ two }", "$mail_name", "$myhostname_", "a:b", "?", "{", "}"])
    inner = lambda: expression(dice, depth + 1)
    name = dice.choice(["one", "two", "empty", "none", "mail_name", " one", "ten"])
    choice = dice.randint(0, 8)
    if choice == 0:
        return inner() + inner()
    if choice == 1:
        return "${%s?%s}" % (name, inner())
    if choice == 2:
        return "${%s:{%s}}" % (name, inner())
    if choice == 3:
        return "${%s?{%s}:{%s}}" % (name, inner(), inner())
    if choice == 4:
        return "$(%s?{%s}:%s)" % (name, inner(), inner())
    operator = dice.choice(["==", "!=", "<", "<=", ">", ">=", "<level", "<=level", ">level", ">=level",
                            "==level", "!=level", "~", "=", "<levels"])
    blank = dice.choice(["", " "])
    condition = "{%s}%s%s%s{%s}" % (inner(), blank, operator, blank, inner())
    if choice == 5:
        return "${%s}" % condition
    if choice == 6:
        return "${%s%s?%s{%s}%s:%s{%s}}" % (condition, blank, blank, inner(), blank, blank, inner())
    if choice == 7:
        return "${%s:%s}" % (condition, inner())
    return dice.choice(["${%s?{%s}x}", "${%s?{%s}", "${%s?{%s}:{x}y}", "${%s;%s}", "$ %s%s", "${}%s%s"]) % (
        name, inner())


def compare_expand(dice):
    value = expression(dice)
    text = f"one = 1\ntwo = $one$one\nten = 10\nempty =\nloop = $myorigin\nmyorigin = x{value}x\n"
    with tempfile.TemporaryDirectory() as folder:
        write(folder, text)
        status, out, errors = run(POSTCONF, "-c", folder, "-x", "-h", "myorigin")
        ours, complaint = dump(folder)
    if not ours["loaded"]:
        return f"not loaded: {value!r}: {complaint}"
    item = [item for item in ours["main"] if item["name"] == "myorigin"][0]
    if status != 0:
        return None if item["expanded"] is None else f"refused by postconf only: {value!r}: {errors}"
    if item["expanded"] is None:
        return f"refused here only: {value!r}: {complaint}"
    if ours["errors"]:
        return f"an error, although expanded: {value!r}: {complaint}"
    if spaces(item["expanded"]) != spaces(out):
        return f"{value!r}: {item['expanded']!r}, postconf {out!r}"
    return None


def compare_answers(text, keys, theirs, ours):
    for key, left, right in zip(keys, ours, theirs):
        if left != right:
            return f"{text!r}: {key!r}: {left!r}, postmap {right!r}"
    return None


def ask(folder, table, keys):
    """What postmap -q - answers to each key; None: nothing."""
    status, out, errors = run(POSTMAP, "-c", folder, "-q", "-", table,
                              stdin="".join(key + "\n" for key in keys).encode("iso-8859-1"))
    if "fatal" in errors:
        return status, None, errors
    answers = {}
    for line in out.split("\n"):
        key, _, value = line.partition("\t")
        answers.setdefault(key, value)
    return status, [answers.get(key) for key in keys], errors


def compare_table(dice):
    keys = ["a", "B", "example.com", "user@example.com", "a:", '"a b"@x', "#a", "\\a", 'x"', ".x", "A"]
    lines = []
    for _ in range(dice.randint(1, 8)):
        value = dice.choice(["x", "y z", "", "# no comment", "smtp:[a]:25", "\tq", "v\r"])
        line = dice.choice(keys) + dice.choice([" ", "\t", "  ", ""]) + value
        lines.append(dice.choice(["", "", "", "", " ", "#", "\t"]) + line)
    text = "\n".join(lines) + dice.choice(["", "\n"])
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "")
        path = pathlib.Path(folder, "table")
        path.write_bytes(text.encode("iso-8859-1"))
        os.utime(path, (1, 1))
        _, theirs, errors = ask(folder, f"texthash:{path}", keys)
        ours, _ = dump("--table", "texthash", str(path), stdin="".join(k + "\n" for k in keys).encode())
    if theirs is None:
        return f"{text!r}: {errors}"
    return compare_answers(text, keys, theirs, ours)


def compare_inline(dice):
    keys = ["a", "b", "c d", "A", "e"]
    pieces = ["a=b", "{a = b c}", "{ c d = e }", "b=", "a", "{b=1,2}", "A=x", "{e={f}}", "{ a=b", "=x", "e = f"]
    inside = dice.choice([", ", " ", ","]).join(dice.choice(pieces) for _ in range(dice.randint(0, 4)))
    table = "inline:{%s}" % inside
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "")
        _, theirs, errors = ask(folder, table, keys)
        ours, complaint = dump("--inline", table, stdin="".join(k + "\n" for k in keys).encode())
    # Postfix gives up the whole table for one bad piece; here it is told, and the rest is read.
    if theirs is None:
        return None if complaint or not any(ours) else f"refused by postmap only: {table!r}: {errors}"
    return compare_answers(table, keys, theirs, ours)


def compare_cidr(dice):
    keys = ["10.0.0.1", "10.1.0.1", "192.168.2.3", "2001:db8::1", "::1", "x"]
    rules = ["10.0.0.0/8 a", "10.0.0.1 b", "!10.0.0.0/8 c", "10.0.0.1/8 d", "::/0 e", "2001:db8::/32 f",
             "if 10.0.0.0/8", "if !10.0.0.0/16", "endif", "0.0.0.0/0 g", "192.168.2.3", "[::1] h",
             "10.0.0.0/33 i", "bad j", "[2001:db8::]/32 k", "! 10.1.0.0/16 l", "IF ::/0", "ENDIF x"]
    text = "\n".join(dice.choice(rules) for _ in range(dice.randint(1, 7))) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "")
        path = pathlib.Path(folder, "table")
        path.write_text(text)
        _, theirs, errors = ask(folder, f"cidr:{path}", keys)
        ours, _ = dump("--table", "cidr", str(path), stdin="".join(k + "\n" for k in keys).encode())
    if theirs is None:
        return f"{text!r}: {errors}"
    return compare_answers(text, keys, theirs, ours)


PATTERNS = ["^a", "b$", "^user@", "@example\\.com$", ".", "x+y", "(a|b)c*", "[a-m]+@", "^(.*)@x$", "(ab)?c", "[^@]+$",
            "A", "a{2}", "(a)+", "(a)\\1", "\\w", "a**", "[[:alpha:]]", "^$", "a|", "(?:a)", "\\.x\\.", "", "a+?", "[]a]", "^*"]
KEYS = ["a", "user@example.com", "b", "ac", "xxy", "m@x", "example.org", ".x.", "AB", "<>", "abc", "c"]


def compare_regexp(dice, kind="regexp"):
    """regexp tables by postmap; pcre ones, which it may lack, by Python, rule for rule."""
    rules = [(dice.choice(["", "", "", "!"]), dice.choice(PATTERNS), dice.choice(["", "", "i"]))
             for _ in range(dice.randint(1, 4))]
    lines = [f"{no}/{pattern}/{option} r{number}" for number, (no, pattern, option) in enumerate(rules)]
    if kind == "regexp" and dice.random() < 0.3:
        lines = [f"if {dice.choice(['', '!'])}/{dice.choice(PATTERNS[:6])}/"] + lines + ["endif", "/z/ last"]
    text = "\n".join(lines) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "")
        path = pathlib.Path(folder, "table")
        path.write_text(text)
        ours, _ = dump("--table", kind, str(path), stdin="".join(k + "\n" for k in KEYS).encode())
        if kind == "pcre":
            theirs = []
            for key in KEYS:
                found = None
                for number, (no, pattern, option) in enumerate(rules):
                    try:
                        fits = re.search(pattern, key, 0 if option else re.IGNORECASE)
                    except re.error:
                        fits = no
                    if bool(fits) != bool(no):
                        found = f"r{number}"
                        break
                theirs.append(found)
        else:
            _, theirs, errors = ask(folder, f"regexp:{path}", KEYS)
            if theirs is None:
                return f"{text!r}: {errors}"
    DECIDED.extend(answer is not True for answer in ours)
    return compare_answers(text, KEYS, [o if o is True else t for o, t in zip(ours, theirs)], ours)


def compare_pcre(dice):
    return compare_regexp(dice, "pcre")


warnings.simplefilter("ignore", FutureWarning)
DECIDED = []  # whether an answer of ours was one


def compare_defaults():
    """The table of parameters against the installed release, where it is one of the three."""
    _, version, _ = run(POSTCONF, "-d", "-h", "mail_version")
    release = re.match(r"3\.(5|7|10)\.", version)
    if not release:
        print(f"Postfix {version.strip()} is not in the table: defaults not compared")
        return []
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "")
        _, out, _ = run(POSTCONF, "-c", folder, "-d")
    theirs = {}
    for line in out.split("\n"):
        if line:
            name, _, value = line.partition(" =")
            theirs[name] = value[1:]
    ours, _ = dump("--defaults", version.strip())
    wrong = [f"{name}: not in the table" for name in theirs if name not in ours]
    wrong += [f"{name}: not in Postfix" for name in ours if name not in theirs]
    # Security updates of a release change few defaults; none is known to differ within it.
    wrong += [f"{name}: {ours[name]!r}, postconf {theirs[name]!r}" for name in theirs
              if ours.get(name) is not None and ours[name] != theirs[name]]
    computed = {name for name in ours if ours[name] is None}
    assert computed <= {"myhostname", "mydomain", "mynetworks", "process_id", "process_name", "service_name",
                        "mail_version", "mail_release_date", "config_directory"}, computed
    return wrong


def main():
    if not POSTCONF or not POSTMAP:
        print("Postfix is not installed")
        return 77
    wrong = compare_defaults()
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=12) as pool:
        for name, rounds in ROUNDS.items():
            for number in range(rounds):
                dice = random.Random(f"{SEED} {name} {number}")
                jobs.append((name, pool.submit(globals()[f"compare_{name}"], dice)))
        for name, job in jobs:
            if job.result():
                wrong.append(f"{name}: {job.result()}")
    if not 0.3 < sum(DECIDED) / len(DECIDED) < 1:
        wrong.append(f"{sum(DECIDED)} of {len(DECIDED)} answers of patterns are decided")
    for text in wrong[:40]:
        print(text)
    print(f"seed {SEED}: {len(jobs)} files, {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
