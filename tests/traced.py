"""Runs a module under a tracer, as a debugger does, or what measures coverage."""

from __future__ import annotations

import runpy
import sys

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    sys.settrace(lambda *_: None)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
