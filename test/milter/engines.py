#!/usr/bin/python3
"""Both signing engines make the same signatures of odd messages.

Usage: engines.py [COUNT [SEED]]: 2000 messages unless given, 100000 for a thorough run.

engines.c compares them. Where they differ by the known defect of libopendkim, dkimpy decides: the hash of
the engine by OpenSSL must be that of dkimpy's form.
"""
import base64
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    from dkim.canonicalization import Relaxed, Simple
except ImportError:
    print("skipped: needs dkimpy (Debian package python3-dkim)")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["POSTERN_BUILD"], "test/milter/engines")


def main():
    count, seed = (sys.argv[1:] + ["2000", "1"][len(sys.argv) - 1:])[:2]
    with tempfile.TemporaryDirectory() as folder:
        status = subprocess.run([PROGRAM, count, seed, folder], check=False).returncode
        right = wrong = 0
        for file in pathlib.Path(folder).iterdir():
            first, body = file.read_bytes().split(b"\n", 1)
            form, ours = first.split()
            form = {b"relaxed": Relaxed, b"simple": Simple}[form]
            digest = base64.b64encode(hashlib.sha256(form.canonicalize_body(body)).digest())
            right += digest == ours
            wrong += digest != ours
            if digest != ours:
                print(f"dkimpy hashes {body[:200]!r} to {digest}, not {ours}")
    print(f"seed {seed}; of bodies with a bare CR, dkimpy agrees with openssl on {right}, not on {wrong}")
    sys.exit(bool(status or wrong))


main()
