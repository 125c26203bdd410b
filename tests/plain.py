#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs test files as pytest does, with nothing but Python: for `make check`.

    python3 tests/plain.py [--jobs N] [FILE...]     without files: those of QUICK

Of pytest it has what these files use: fixtures with scopes and parameters, tmp_path, parametrize, skip, skipif,
xfail, raises. A failure shows its traceback; pytest itself shows more. What the machine lacks is a skip that names
it, and with CI=true a failure.
"""

import argparse
import contextlib
import importlib
import inspect
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Most of e2e: without what waits (a service that fails, a thousand changes), random sequences, other runtimes.
SLOW = ("differential", "faults", "follow", "live", "pages", "runtimes", "trust", "wrap")
QUICK = [path for path in sorted((ROOT / "tests" / "e2e").glob("test_*.py")) if path.stem[5:] not in SLOW]
OPTIONS = {"--bare": False, "--seed": None}


class Skipped(Exception):
    pass


class Failed(AssertionError):
    pass


class Raises:
    """pytest.raises."""

    def __init__(self, expected, match=None):
        self.expected, self.match, self.value = expected, match, None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, _):
        assert kind, f"{self.expected} was not raised"
        self.value = value
        return issubclass(kind, self.expected)


class Marks:
    """pytest.mark.NAME(...): a decorator that notes it."""

    def __getattr__(self, name):
        def mark(*args, **kwargs):
            def decorate(function):
                function.marks = [*getattr(function, "marks", []), (name, args, kwargs)]
                return function

            return decorate

        return mark


class Param:
    def __init__(self, *values, id=None, marks=()):
        self.values, self.id, self.marks = values, id, marks


def fixture(function=None, *, scope="function", params=None, ids=None, autouse=False):
    def decorate(function):
        function.fixture = (scope, params)
        return function

    return decorate(function) if function else decorate


def raiser(kind):
    def stop(reason="", **_):
        raise kind(reason)

    return stop


def make_pytest():
    module = types.ModuleType("pytest")
    module.fixture, module.mark, module.param, module.raises = fixture, Marks(), Param, Raises
    module.skip, module.fail, module.register_assert_rewrite = raiser(Skipped), raiser(Failed), lambda *_: None
    return module


class Request:
    """What a fixture may ask."""

    def __init__(self, param, value):
        self.param, self.config, self.getfixturevalue = param, self, value

    def getoption(self, name):
        return OPTIONS[name]


class Folders:
    """tmp_path_factory."""

    def __init__(self, root):
        self.root = root

    def mktemp(self, name):
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.root))


class File:
    """One test file, its fixtures, and the conftest.py of its folder and of tests."""

    def __init__(self, path, folders):
        self.folders, self.session, self.stack = folders, {}, contextlib.ExitStack()
        sys.path[:0] = [str(ROOT / "tests"), str(path.parent)]
        self.spaces = [vars(importlib.import_module("conftest"))]
        self.module = importlib.import_module(path.stem)
        self.spaces.insert(0, vars(self.module))

    def definition(self, name):
        return next((space[name] for space in self.spaces if hasattr(space.get(name), "fixture")), None)

    def wanted(self, function, skip=()):
        return [name for name in inspect.signature(function).parameters if name not in skip]

    def parameters(self, function, skip):
        """{fixture's name: its parameters}, of all that this function needs."""
        found = {}
        for name in self.wanted(function, skip):
            definition = self.definition(name)
            if definition:
                if definition.fixture[1]:
                    found[name] = definition.fixture[1]
                found.update(self.parameters(definition, ()))
        return found

    def value(self, name, made, chosen, stack):
        if name in made:
            return made[name]
        if name == "tmp_path":
            made[name] = self.folders.mktemp("test")
        elif name == "tmp_path_factory":
            made[name] = self.folders
        else:
            made[name] = self.make(name, made, chosen, stack)
        return made[name]

    def make(self, name, made, chosen, stack):
        definition = self.definition(name)
        assert definition, f"there is no fixture {name}"
        if definition.fixture[0] != "function":
            made, stack = self.session, self.stack
            if name in made:
                return made[name]
        request = Request(chosen.get(name), lambda need: self.value(need, made, chosen, stack))
        arguments = {need: request if need == "request" else self.value(need, made, chosen, stack)
                     for need in self.wanted(definition)}
        if not inspect.isgeneratorfunction(definition):
            made[name] = definition(**arguments)
        else:
            made[name] = stack.enter_context(contextlib.contextmanager(definition)(**arguments))
        return made[name]

    def tests(self):
        """(name, function, {argument: value}, {fixture: parameter}, marks)"""
        for name, function in list(vars(self.module).items()):
            if not name.startswith("test_") or not inspect.isfunction(function):
                continue
            marks = getattr(function, "marks", [])
            rows = [list(self.rows(*args)) for kind, args, _ in marks if kind == "parametrize"]
            own = {argument for choice in rows for values, _ in choice[:1] for argument in values}
            parameters = self.parameters(function, own)
            choices = [[({key: value}, str(value)) for value in values] for key, values in parameters.items()]
            for combination in itertools.product(*rows, *choices):
                arguments, chosen = {}, {}
                for values, _ in combination[: len(rows)]:
                    arguments.update(values)
                for values, _ in combination[len(rows) :]:
                    chosen.update(values)
                label = "-".join(text for _, text in combination)
                yield f"{name}[{label}]" if label else name, function, arguments, chosen, marks

    def rows(self, names, values):
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
        for value in values:
            if isinstance(value, Param):
                value = value.values if len(names) > 1 else value.values[0]
            cells = value if len(names) > 1 else [value]
            yield dict(zip(names, cells)), "-".join(map(str, cells))

    def run(self, function, arguments, chosen):
        made = dict(self.session)
        with contextlib.ExitStack() as stack:
            for name in self.wanted(function, arguments):
                self.value(name, made, chosen, stack)
            function(**arguments, **{name: made[name] for name in self.wanted(function, arguments)})


def missing_program(error):
    """A program of the machine's that is not installed; not one of ours that was not built."""
    name = getattr(error, "filename", None)
    if isinstance(error, FileNotFoundError) and name and "Popen" in "".join(traceback.format_tb(error.__traceback__)):
        name = os.fsdecode(name)
        return None if name.startswith(str(ROOT)) else f"{os.path.basename(name)} is not installed"
    return None


def run_test(file, function, arguments, chosen, marks):
    """(verdict, text)"""
    for kind, args, more in marks:
        if kind == "skipif" and (args[0] if args else more["condition"]):
            return "skipped", more.get("reason", "")
    expected = any(kind == "xfail" for kind, _, _ in marks)
    try:
        file.run(function, arguments, chosen)
    except Skipped as skip:
        return "skipped", str(skip)
    except Exception as error:  # whatever a test may raise
        if reason := missing_program(error):
            return "skipped", reason
        return ("passed", "") if expected else ("failed", traceback.format_exc())
    return ("failed", "it was expected to fail") if expected else ("passed", "")


def run_file(path):
    """Prints what did not pass, and "N passed, N failed, N skipped"."""
    sys.modules["pytest"] = make_pytest()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    reasons = {}
    folder = tempfile.mkdtemp(prefix="tagalong-check-")
    try:
        file = File(path, Folders(folder))
        with file.stack:
            for name, *test in file.tests():
                verdict, text = run_test(file, *test)
                counts[verdict] += 1
                if verdict == "failed":
                    print(f"FAILED {path.relative_to(ROOT)}::{name}\n{text}")
                elif verdict == "skipped":
                    reasons.setdefault(text, []).append(name)
    except ModuleNotFoundError as error:
        counts["skipped"] += 1
        reasons[f"Python's {error.name} is not installed"] = [path.stem]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for reason, names in reasons.items():
        print(f"SKIPPED {path.relative_to(ROOT)}: {len(names)}: {reason}")
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def run_files(paths, jobs):
    """Each in a process of its own, `jobs` at a time; {verdict: count}."""
    total = {"passed": 0, "failed": 0, "skipped": 0}
    waiting, running = list(paths), []
    while waiting or running:
        while waiting and len(running) < jobs:
            path = waiting.pop(0)
            command = [sys.executable, __file__, "--one", str(path)]
            running.append((path, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)))
        path, process = running.pop(0)
        *lines, last = process.communicate()[0].splitlines() or [""]
        print(*lines, sep="\n", end="\n" if lines else "")
        try:
            for part in last.split(", "):
                count, verdict = part.split()
                total[verdict] += int(count)
            print(f"{path.stem}: {last}", flush=True)
        except (KeyError, ValueError):
            print(f"FAILED {path.stem}: {last}", flush=True)
            total["failed"] += 1
    return total


def main():
    parser = argparse.ArgumentParser(description="Test files without pytest; see the docstring.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    if options.one:
        run_file(options.one.resolve())
        return
    total = run_files([path.resolve() for path in options.files] or QUICK, options.jobs)
    if os.environ.get("CI") == "true":
        total["failed"] += total.pop("skipped")
    print(", ".join(f"{count} {verdict}" for verdict, count in total.items() if count or verdict != "skipped"))
    sys.exit(1 if total["failed"] or not total["passed"] else 0)


if __name__ == "__main__":
    main()
