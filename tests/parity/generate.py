"""Golden vectors: what Keras itself answers. Writes one file for each family into vectors/; the tests read them and need no Python.

    python3 -m venv v && v/bin/pip install tensorflow-cpu keras numpy && v/bin/python tests/parity/generate.py

    --seed N     other numbers than those committed        --out FOLDER   not into vectors/
    family ...   only these; a family is a file in streams/, whose make(family) adds its cases
"""
import argparse
import importlib
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)


def main():
    families = sorted(f[:-3] for f in os.listdir(os.path.join(here, "streams")) if f.endswith(".py"))
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=20261126)
    p.add_argument("--out", default=os.path.join(here, "vectors"))
    p.add_argument("family", nargs="*", default=families)
    a = p.parse_args()
    from golden import Family
    os.makedirs(a.out, exist_ok=True)
    for name in a.family or families:
        family = Family(name, a.seed)
        importlib.import_module("streams." + name).make(family)
        family.write(a.out)
        print("%s: %d cases" % (name, sum(line.startswith("case ") for line in family.out)))


main()
