#!/usr/bin/python3
"""Compares yaml_dump's trees with those of PyYAML's own parser (the one in Python, not libyaml).

Kind, text, quoting and place of every node must agree, on documents written for the purpose, on
the project's examples, and on random trees in every style that PyYAML can write.
usage: yaml_oracle.py YAML_DUMP
"""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)

WRITTEN = [
    "a: b\n",
    "plain text",
    "--- {a: [b, {c: d}], e: }\n...\n",
    "- - - a\n    - b\n  - c\n- d\n",
    "a:\n- b\n- c\nd:\n  - e\n",
    "a: 'it''s'\nb: \"tab\\tquote\\\" \\u00e4 \\x41\"\nc: \"folded\n  here\n\n  twice\"\n",
    "a: |\n  kept\n   as is\n\nb: >-\n  folded\n  here\n\n  but not here\nc: |+\n  x\n\n",
    "a: |2\n    two more\n",
    "# comment\na: b # comment\n#\nc: d#no comment\n",
    "a: http://[2001:db8::1]:25/?x=y#z\nb: fd00::1/64\nc: -1\nd: 12:30:45\ne: 0x1f\nf: 1_000\n",
    "a: ~\nb: null\nc:\nd: ''\ne: yes\nf: No\n",
    "a:   b   \nc   : d\n\"e\" : f\n'g':   h\n",
    "? a\n: b\n? c\n:\n  - d\n",
    "? |\n  block key\n: b\n",
    "a: multi\n  line\n  plain\n\n  text\nb: c\n",
    "a: [b,\n  c, d,\n]\ne: {f: g,\n h: i, }\n",
    "a: [b: c, d]\n",
    "a:\r\n  b: c\r\n  d:\r\n  - e\r\nf: 'g\r\n\r\n  h'\r\n",
    "ä: ö\n日本: [語, 'ü': 📬]\nz: {é: è}\n",
    "%YAML 1.1\n---\na: b\n",
    "\ufeffa: b\n",
    "[]\n",
    "{}\n",
    "a: '  spaces  '\nb: \"  \"\n",
    "a: {b: {c: {d: [[[[e]]]]}}}\n",
    "key with spaces: value with: colon\n".replace("with: ", "with:"),
]


def place(mark):
    return [mark.line + 1, mark.column + 1]


def expected(node):
    """The node as yaml_dump prints it."""
    if isinstance(node, yaml.ScalarNode):
        return {"text": node.value, "quoted": node.style not in (None, ""),
                "at": place(node.start_mark)}
    if isinstance(node, yaml.SequenceNode):
        return {"list": [expected(item) for item in node.value], "at": place(node.start_mark)}
    pairs = [[key.value, place(key.start_mark), expected(value)] for key, value in node.value]
    return {"mapping": pairs, "at": place(node.start_mark)}


def random_text(dice):
    kind = dice.randrange(6)
    if kind == 0:
        return dice.choice(["", "~", "null", "yes", "1", "- a", "# x", "a: b", "[", "{", "*", "&x",
                            "!t", "|", ">", "%", "@", "`", "'", '"', "?", ":", "<<", "---", "..."])
    letters = "ab Z09.:-_/#'\"\\[]{},&*!|>%@`?=~\täß€📬\n"
    return "".join(dice.choice(letters) for _ in range(dice.randrange(1, 60 if kind == 1 else 12)))


def random_tree(dice, depth):
    kind = dice.randrange(4 if depth else 1)
    if kind == 2:
        return [random_tree(dice, depth - 1) for _ in range(dice.randrange(5))]
    if kind == 3:
        return {random_text(dice): random_tree(dice, depth - 1) for _ in range(dice.randrange(5))}
    return random_text(dice)


class Plainly(yaml.SafeDumper):
    """Writes no anchors: they are refused."""

    def ignore_aliases(self, data):
        return True


def random_documents(count):
    dice = random.Random(20250101)
    for _ in range(count):
        yield yaml.dump(random_tree(dice, 6), Dumper=Plainly,
                        default_style=dice.choice([None, None, '"', "'", "|", ">"]),
                        default_flow_style=dice.choice([True, False, None]),
                        allow_unicode=dice.choice([True, False]),
                        width=dice.choice([20, 80, 1000]), indent=dice.choice([2, 4, 7]),
                        line_break=dice.choice(["\n", "\r\n"]),
                        explicit_start=dice.choice([True, False]))


def example_documents():
    folder = os.path.join(os.path.dirname(__file__), "..", "..", "examples")
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.yaml"))):
        with open(path, encoding="utf-8", newline="") as file:
            yield file.read()


def forget_empty(tree):
    """Drops the place of what is not written at all: here each parser goes by its own taste."""
    if isinstance(tree, list):
        for item in tree:
            forget_empty(item)
    elif isinstance(tree, dict):
        if tree.get("text") == "" and not tree["quoted"]:
            del tree["at"]
        for item in tree.values():
            forget_empty(item)
    return tree


def check(dump, folder, text):
    wanted = forget_empty(expected(yaml.compose(text, Loader=yaml.BaseLoader)))
    path = os.path.join(folder, "document.yaml")
    with open(path, "wb") as file:
        file.write(text.encode("utf-8"))
    done = subprocess.run([dump, path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"refused:\n{text!r}\n{done.stderr}")
        return False
    if forget_empty(json.loads(done.stdout)) != wanted:
        print(f"differs:\n{text!r}\ngot      {done.stdout}\nexpected "
              f"{json.dumps(wanted, ensure_ascii=False, sort_keys=True)}")
        return False
    return True


def main():
    counts = [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        for documents in (WRITTEN, example_documents(), random_documents(500)):
            for text in documents:
                counts[check(sys.argv[1], folder, text)] += 1
    print(f"{counts[1]} documents agree, {counts[0]} do not")
    return counts[0] != 0 or counts[1] == 0


if __name__ == "__main__":
    sys.exit(main())
