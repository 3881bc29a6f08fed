#!/usr/bin/python3
"""postern-gate hands connections over to the release of Postfix in POSTERN_TEST_RELEASE."""
import os
import pathlib

from release import root_of

HAND_OVER = pathlib.Path(__file__).resolve().parent.parent / "gate" / "hand_over.py"
os.execv(HAND_OVER, [str(HAND_OVER), root_of(os.environ["POSTERN_TEST_RELEASE"])])
