#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a chat request costs through Tagalong, beside what people use instead.

    python3 tests/bench/chat.py [--rounds N] [--only NAME] [--keep] [--beside FOLDER]
    python3 tests/bench/chat.py --markdown        writes docs/bench.json's table into docs/costs.md
    python3 tests/bench/chat.py --plot            docs/bench.svg and docs/bench.png of it

One client, one connection that is kept, a relay that answers at once, all on loopback, so that
nothing hides what is added. In each round every way is run once, in an order that turns; a figure is
the median of the rounds' ratios to the bare client of the same round. Before a way is measured its
requests are looked at: those that are to be tagged are, and no others. --keep writes docs/bench.json.
--beside measures the build of another commit in the same rounds, with its own service.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
from pathlib import Path

from servers import (
    CALLS, EMPTY, ROOT, SHIM, SIX_HEADERS, keep_clients_apart, preload, start_mitmproxy,
    start_nginx_proxy, start_relay, start_service,
)

KEPT = ROOT / "docs" / "bench.json"
CHAT, OTHER = "/v1/chat/completions", "/v1/some/other/paths"  # equally long
MIB = "1048576"
TAGGED, UNTAGGED = "T-42-", "-"
PROCESSES, COLD = "a curl process for each request", "HTTP/1.1, caches cold"
# Where the client is another one than `calls post`.
LOOPS = {
    "pycurl": ["/usr/bin/python3", str(ROOT / "tests" / "bench" / "loop.py")],
    "PHP": ["/usr/bin/php", str(ROOT / "tests" / "bench" / "loop.php")],
}
# Requests of one run: a tenth of a second or more.
TIMES = {PROCESSES: 30, "HTTP/1.1": 1_000}
SLOW = {"mitmproxy": 10, "nginx": 2}


class Servers:
    """All of them, for the whole run."""

    def __init__(self, work):
        self.work = work
        relay, self.http, self.https = start_relay(work)
        nginx, self.nginx_http, self.nginx_https = start_nginx_proxy(work, self.http, self.https)
        plain, self.mitm_http = start_mitmproxy(work, f"http://127.0.0.1:{self.http}")
        tls, self.mitm_https = start_mitmproxy(work, f"https://127.0.0.1:{self.https}")
        live, asked = start_service(work), start_service(work, "plain", "--no-pages")
        self.processes = [relay, nginx, plain, tls, live, asked]

    def socket(self, name):
        return {"TAGALONG_SOCKET": f"{self.work}/{name}/context.sock", "TAGALONG_RELAYS": "*"}

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


def keep_alive(servers, tls, prefix="", body="0"):
    """Way: command behind `calls post N`, environment, what the relay has to see."""
    scheme = "https" if tls else "http"

    def url(port, path=CHAT):
        return [f"{scheme}://127.0.0.1:{port}{prefix}{path}", body]

    relay = servers.https if tls else servers.http
    env = {"TAGALONG_RELAYS": "*"}
    return {
        "bare": (url(relay), {}, UNTAGGED),
        "an empty preload": (url(relay), preload(EMPTY), UNTAGGED),
        "Tagalong, TAGALONG_OFF=1": (url(relay), preload(SHIM, TAGALONG_OFF="1"), UNTAGGED),
        "Tagalong, another path": (url(relay, OTHER), preload(SHIM, **env), UNTAGGED),
        "Tagalong, environment": (url(relay), preload(SHIM, **env), TAGGED),
        "Tagalong, service, shared page": (url(relay), preload(SHIM, **servers.socket("live")), TAGGED),
        "Tagalong, service, asked": (url(relay), preload(SHIM, **servers.socket("plain")), TAGGED),
        "the client's own headers": (url(relay), {"OWN_HEADERS": "1"}, TAGGED),
        "the client's own, made for each": (url(relay), {"OWN_HEADERS": "fresh"}, TAGGED),
        "nginx": (url(servers.nginx_https if tls else servers.nginx_http), {}, TAGGED),
        "mitmproxy": (url(servers.mitm_https if tls else servers.mitm_http), {}, TAGGED),
    }


def curl_processes(servers):
    """The same with `calls spawn N`: what .curlrc and -H are used for."""
    work = Path(servers.work)
    lines = [f"{name}: {value}" for name, value in SIX_HEADERS.items()]
    (work / "headers").write_text("\n".join(lines) + "\n")
    (work / "home").mkdir(exist_ok=True)
    (work / "home" / ".curlrc").write_text(f"header = @{work}/headers\n")

    def curl(port, path=CHAT, *more):
        url = f"http://127.0.0.1:{port}{path}"
        return ["/usr/bin/curl", "-sf", "-o", "/dev/null", "-d", "{}", *more, url]

    def loaded(library, **more):
        variables = {"SPAWN_PRELOAD": library, **preload(library, **more)}
        del variables["LD_PRELOAD"]
        return variables

    port = servers.http
    own = [word for line in lines for word in ("-H", line)]
    return {
        "bare": (curl(port), {}, UNTAGGED),
        "an empty preload": (curl(port), loaded(EMPTY), UNTAGGED),
        "Tagalong, TAGALONG_OFF=1": (curl(port), loaded(SHIM, TAGALONG_OFF="1"), UNTAGGED),
        "Tagalong, another path": (curl(port, OTHER), loaded(SHIM), UNTAGGED),
        "Tagalong, environment": (curl(port), loaded(SHIM), TAGGED),
        "Tagalong, service, shared page": (curl(port), loaded(SHIM, **servers.socket("live")), TAGGED),
        "Tagalong, service, asked": (curl(port), loaded(SHIM, **servers.socket("plain")), TAGGED),
        "the client's own headers": (curl(port, CHAT, *own), {}, TAGGED),
        ".curlrc with header = @file": (curl(port), {"HOME": str(work / "home")}, TAGGED),
        "nginx": (curl(servers.nginx_http), {}, TAGGED),
        "mitmproxy": (curl(servers.mitm_http), {}, TAGGED),
    }


def without(ways, *names):
    return {name: way for name, way in ways.items() if name not in names}


def build_beside(servers, build):
    """The ways of another build, for keep_alive()."""
    servers.processes.append(start_service(servers.work, "beside", build=build))
    url, library = f"http://127.0.0.1:{servers.http}", Path(build).resolve() / "libtagalong.so"
    env = {"TAGALONG_RELAYS": "*"}
    return {
        "beside, another path": ([url + OTHER, "0"], preload(library, **env), UNTAGGED),
        "beside, environment": ([url + CHAT, "0"], preload(library, **env), TAGGED),
        "beside, service, shared page": ([url + CHAT, "0"], preload(library, **servers.socket("beside")), TAGGED),
    }


def scenarios(servers, beside):
    plain = keep_alive(servers, False)
    if beside:
        plain |= build_beside(servers, beside)
    no_proxies = without(plain, "nginx", "mitmproxy")
    return {
        "HTTP/1.1": plain,
        COLD: {name: (command, {**env, "COLD": "1"}, saw) for name, (command, env, saw) in no_proxies.items()},
        "HTTP/1.1, 1 MiB body": keep_alive(servers, False, "/whole", MIB),
        "HTTP/1.1, streamed answer": keep_alive(servers, False, "/streamed"),
        "TLS, HTTP/2": keep_alive(servers, True),
        "TLS, HTTP/2, 1 MiB body": keep_alive(servers, True, "/whole", MIB),
        "TLS, HTTP/2, streamed answer": keep_alive(servers, True, "/whole/streamed"),
        PROCESSES: curl_processes(servers),
        # These make all of their headers for each request.
        **{name: without(no_proxies, "the client's own headers") for name in LOOPS},
    }


def run(command, environment):
    environment = {"PATH": "/usr/bin:/bin", **environment}
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=True)
    return done.stdout


def check_curl(command, environment, expected):
    """What the relay says it has seen of one process of curl."""
    environment = {**environment, "LD_PRELOAD": environment.get("SPAWN_PRELOAD", "")}
    said = run([command[0], "-sD", "-", *command[2:]], environment)
    assert f"X-Saw: {expected}\n" in said.replace("\r", "").replace("x-saw", "X-Saw"), (command, said)


def measure(title, ways, rounds):
    """Of each way, for each round: the mean and the median of the requests, and the processor's time, in
    nanoseconds."""
    single = title == PROCESSES
    samples = {name: [] for name in ways}
    names = list(ways)
    if single:
        for command, environment, expected in ways.values():
            check_curl(command, environment, expected)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            command, environment, expected = ways[name]
            times = max(TIMES.get(title, 300) // SLOW.get(name, 1), 10)
            if title in LOOPS:
                said = run([*LOOPS[title], str(times), command[0]], {**environment, "EXPECT": expected})
            elif single:
                said = run([CALLS, "spawn", str(times), *command], environment)
            else:
                said = run([CALLS, "post", str(times), *command], {**environment, "EXPECT": expected})
            samples[name].append([float(word) for word in said.split()])
    return samples


def ratios(samples, name, kind):
    return [way[kind] / bare[kind] for way, bare in zip(samples[name], samples["bare"])]


def report(title, samples):
    print(f"\n{title}: median latency, time and processor's time of a request, as ratios to bare")
    for name, values in samples.items():
        latency, time, cpu = (ratios(samples, name, kind) for kind in (1, 0, 2))
        print(
            f"  {name:<32} {statistics.median(value[1] for value in values) / 1000:>9,.1f} us"
            f"   x {statistics.median(latency):.3f} ({min(latency):.3f} to {max(latency):.3f})"
            f"   x {statistics.median(time):.3f}   x {statistics.median(cpu):.3f}",
            flush=True,
        )


def describe_machine():
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    return {
        "processor": f"{os.cpu_count()} cores of {cpu}",
        "system": f"Linux {platform.release().split('-')[0]}, {' '.join(platform.libc_ver())}",
        "curl": run(["curl", "-V"], {}).splitlines()[0],
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }


# Which scenarios a page shows; all, where there is no word about it.
FIRST = ["HTTP/1.1", "TLS, HTTP/2", "TLS, HTTP/2, streamed answer", PROCESSES]
SHOWN = {"docs/costs.md": None}
MARKS = ("<!-- made by tests/bench/chat.py --markdown -->\n", "\n<!-- end of what is made -->")


def in_page(page, kept):
    """Its text with the table as it should be."""
    text = (ROOT / page).read_text()
    start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    titles = SHOWN[page] or list(kept["samples"])
    tables = (markdown(kept, titles, 1) + "\n\nThe processor's time of the client, in the same runs:\n\n" +
              markdown(kept, titles, 2))
    return text[:start] + tables + text[end:]


def markdown(kept, titles, kind):
    """Ratios of the median latency (1) or the processor's time (2); of the bare client, the median of it."""
    names = list(dict.fromkeys(name for title in titles for name in kept["samples"][title]))
    lines = ["| | " + " | ".join(titles) + " |", "|---|" + "---|" * len(titles)]
    for name in names:
        cells = []
        for title in titles:
            samples = kept["samples"][title]
            if name not in samples:
                cells.append("")
            elif name == "bare":
                cells.append(f"{statistics.median(each[kind] for each in samples[name]) / 1000:,.0f} us")
            else:
                cells.append(f"{statistics.median(ratios(samples, name, kind)):.2f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


TERMINALS = (
    ("svg noenhanced size 960,560 background 'white'", "svg"), ("pngcairo noenhanced size 960,560", "png"),
)
PLOT = """
set title "Median latency of a chat request on loopback, as a ratio to the bare client" font ",13"
set logscale x; set xrange [0.9:100]; set xlabel "ratio, logarithmic; the bar is the span of the rounds"
set xtics (1, 1.5, 2, 3, 5, 10, 20, 50, 100); set grid xtics; set key outside bottom center horizontal
set yrange [-0.7:{last}]; set key samplen 2 maxcols 2; set ytics ({tics}); set lmargin 32; set border 3; set tics nomirror
plot {curves}
"""


def plot(kept):
    """Points with error bars: one colour a scenario, one line a way."""
    titles = FIRST
    names = [n for n in dict.fromkeys(n for t in titles for n in kept["samples"][t]) if n != "bare"][::-1]
    blocks, curves = [], []
    for place, title in enumerate(titles):
        samples = kept["samples"][title]
        rows = []
        for name in names:
            if name in samples:
                found = ratios(samples, name, 1)
                y = names.index(name) + 0.3 - place * 0.6 / (len(titles) - 1)
                rows.append(f"{statistics.median(found)} {y} {min(found)} {max(found)}")
        blocks.append(f"$data{place} << end\n" + "\n".join(rows) + "\nend\n")
        curves.append(f'$data{place} with xerrorbars pt 7 ps 0.6 lw 1.5 title "{title}"')
    tics = ", ".join(f'"{name}" {place}' for place, name in enumerate(names))
    text = "".join(blocks) + PLOT.format(last=len(names) - 0.3, tics=tics, curves=", \\\n".join(curves))
    for terminal, suffix in TERMINALS:
        script = f"set terminal {terminal}\nset output '{KEPT.with_suffix('.' + suffix)}'\n{text}"
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description="What a chat request costs; see the docstring.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--keep", action="store_true", help="write docs/bench.json")
    parser.add_argument("--beside", metavar="FOLDER", help="another build, with tagalong and libtagalong.so")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--plot", action="store_true")
    options = parser.parse_args()
    if options.keep and options.beside:
        parser.error("--keep is for this build alone")
    if options.markdown or options.plot:
        kept = json.loads(KEPT.read_text())
        if options.plot:
            plot(kept)
        else:
            for page in SHOWN:
                (ROOT / page).write_text(in_page(page, kept))
        return
    machine = describe_machine()
    print("\n".join(f"{key}: {value}" for key, value in machine.items()))
    raw = {}
    keep_clients_apart()
    with tempfile.TemporaryDirectory() as work:
        servers = Servers(work)
        try:
            for title, ways in scenarios(servers, options.beside).items():
                if options.only in title:
                    raw[title] = measure(title, ways, options.rounds)
                    report(title, raw[title])
        finally:
            servers.end()
    if options.keep:
        kept = {"machine": machine, "unit": "ns: mean, median, processor's", "rounds": options.rounds, "samples": raw}
        KEPT.write_text(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()
