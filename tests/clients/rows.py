# SPDX-License-Identifier: MIT
"""The client matrix: one row a client. test_clients.py runs them, table.py prints them.

A command may name: $chat, a chat URL of the relay; $url, $port, the relay's own; $doh, a resolver;
$git, the git server; $programs, the folder of that name; $made, the folder of compiled ones.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tags import GENERIC, PLAIN

OWN = ("Authorization", "Content-Type")
AGENT = ("User-Agent", *OWN)  # of clients that send that one by the list, too

# How a client comes to libcurl.
LINKED = "linked"
LOCAL = "plugin"  # dlopen, RTLD_LOCAL: RTLD_NEXT finds nothing
GLOBAL = "plugin, RTLD_GLOBAL"
DEEPBIND = "plugin, RTLD_DEEPBIND"
BY_NAME = "dlopen and dlsym"
CHILD = "starts curl"

EASY, MULTI, SOCKET = "easy", "multi", "multi, socket_action"
ANY_ORDER = {"unordered": True}  # for neutral.compare: requests that overlap
ANY_TRACE = {"one_trace": False}  # several processes, each with a trace of its own


@dataclass
class Row:
    name: str
    packages: str  # the first gives the version
    binds: str
    api: str
    expect: list  # the tags of each request at the relay
    command: list
    own: tuple = OWN  # names of the client's header lines
    how: dict = field(default_factory=dict)  # for neutral.compare
    env: dict = field(default_factory=dict)
    others: dict = field(default_factory=dict)  # server: the tags of each request

    @property
    def id(self):
        return self.name.replace(" ", "-")

    @property
    def everywhere(self):
        """The tags of each request, at the relay and at other servers."""
        return sum(self.others.values(), self.expect)

    @property
    def tagged(self):
        return sum(bool(tags) for tags in self.everywhere)


def row(name, packages, binds, api, requests, command, *args, **more):
    """A client whose every request is to be tagged. `command` is "interpreter program", and the
    program gets $chat; or a list."""
    if isinstance(command, str):
        *interpreter, file = command.split()
        command = [*interpreter, f"$programs/{file}", "$chat", *args]
    return Row(name, packages, binds, api, [GENERIC] * requests, command, **more)


def example(name, packages, command):
    """Of libcurl4-doc, which is of the version that libcurl4-openssl-dev has."""
    command = ["sh", f"$programs/{command}", f"$made/{name}", "$chat"]
    return row(name, "libcurl4-openssl-dev " + packages, LINKED, SOCKET, 3, command, how=ANY_ORDER)


CURL = ["curl", "-sS", "-d", '{"model":"m","messages":[]}']
CURL += ["-H", "Authorization: Bearer sk-test", "-H", "Content-Type: application/json"]
INVENTED = {
    "env": {"TAGALONG_RELAYS": "http://invented.test:*"},
    "others": {"doh": [PLAIN] * 2},
    "how": ANY_ORDER,
}
# Debian's php-cli stands for the one of its release.
PHP_VERSION = next((path.name[3:] for path in sorted(Path("/usr/bin").glob("php[0-9].[0-9]"))), "8.2")
PHP, PYCURL, PYTHON = f"php{PHP_VERSION}-curl php{PHP_VERSION}-cli", "python3-pycurl", "/usr/bin/python3"
GUZZLE = "php-guzzlehttp-guzzle " + PHP
FPM = f"php{PHP_VERSION}-fpm {PHP} nginx curl"
R, TYPHOEUS = "Rscript --vanilla", "ruby typhoeus.rb"
CHAT_URL = {"CHAT_URL": "$chat"}  # for programs that have no command line of their own
NO_INIT = ["-q", "--no-site-file", "--batch"]

# fmt: off
ROWS = [
    row("curl", "curl", LINKED, EASY, 2, [*CURL, "$chat", "$chat"]),
    row("curl -Z", "curl", LINKED, MULTI, 2,
        [*CURL, "-Z", "--no-progress-meter", "$chat?1", "$chat?2"], how=ANY_ORDER),
    row("curl -K", "curl", LINKED, EASY, 1, ["curl", "-sS", "-K", "$programs/chat.curlrc", "$chat"]),
    row("curl -L", "curl", LINKED, EASY, 2,
        [*CURL, "-L", "$url/switch/redirect-307-same/v1/chat/completions"]),
    row("curl --doh-url", "curl", LINKED, EASY, 1,
        [*CURL, "--doh-url", "$doh", "--doh-insecure", "http://invented.test:$port/v1/chat/completions"],
        **INVENTED),
    Row("git", "git", LINKED, MULTI, [], ["sh", "$programs/git.sh", "$git"],
        own=("Authorization",), others={"git": [PLAIN] * 8}),
    Row("cmake", "cmake", LINKED, EASY, [PLAIN] * 2,
        ["cmake", "-DURL=$chat", "-P", "$programs/cmake.cmake"]),
    row("curlpp", "libcurlpp-dev", LINKED, EASY, 3, ["$made/curlpp", "$chat"]),
    example("multi-uv", "libuv1-dev", "by_order.sh"),
    example("multi-event", "libevent-dev", "by_order.sh"),
    example("ephiperfifo", "", "ephiperfifo.sh"),
    row("PHP curl_exec", PHP, DEEPBIND, EASY, 5, "php php_exec.php"),
    row("PHP curl_multi", PHP, DEEPBIND, MULTI, 4, "php php_multi.php", how=ANY_ORDER),
    row("PHP Guzzle", GUZZLE, DEEPBIND, EASY, 2, "php guzzle.php", "sync", own=AGENT),
    row("PHP Guzzle async", GUZZLE, DEEPBIND, MULTI, 3, "php guzzle.php", "async",
        own=AGENT, how=ANY_ORDER),
    row("php-fpm", FPM, DEEPBIND, EASY, 10, "sh php_fpm.sh"),
    row("pycurl", PYCURL, LOCAL, EASY, 4, f"{PYTHON} pycurl_easy.py"),
    row("pycurl multi", PYCURL, LOCAL, MULTI, 3, f"{PYTHON} pycurl_multi.py", "perform",
        how=ANY_ORDER),
    row("pycurl socket_action", PYCURL, LOCAL, SOCKET, 3, f"{PYTHON} pycurl_multi.py",
        "socket_action", how=ANY_ORDER),
    row("pycurl threads", PYCURL, LOCAL, EASY, 20, f"{PYTHON} pycurl_threads.py",
        own=(*OWN, "X-Thread"), how=ANY_ORDER),
    row("pycurl fork", PYCURL, LOCAL, EASY, 3, f"{PYTHON} pycurl_fork.py", how=ANY_TRACE),
    row("Python ctypes", "python3 libcurl4", BY_NAME, EASY, 2, f"{PYTHON} ctypes_curl.py"),
    row("pycurl and ctypes", PYCURL + " libcurl4", f"{LOCAL}; {BY_NAME}", EASY, 5,
        f"{PYTHON} pycurl_and_ctypes.py"),
    row("R curl", "r-cran-curl", LOCAL, MULTI, 5, f"{R} curl.R", how=ANY_ORDER),
    row("R httr", "r-cran-httr", LOCAL, MULTI, 2, f"{R} httr.R", own=("Accept", *OWN)),
    row("R httr2", "r-cran-httr2", LOCAL, MULTI, 2, f"{R} httr2.R"),
    row("R RCurl", "r-cran-rcurl", LOCAL, EASY, 3, f"{R} RCurl.R"),
    row("Ruby Ethon", "ruby-ethon", BY_NAME, "easy, multi", 5, "ruby ethon.rb", how=ANY_ORDER),
    row("Ruby Typhoeus", "ruby-typhoeus", BY_NAME, EASY, 2, TYPHOEUS, "easy", own=AGENT),
    row("Ruby Typhoeus Hydra", "ruby-typhoeus", BY_NAME, MULTI, 4, TYPHOEUS, "hydra",
        own=AGENT, how=ANY_ORDER),
    row("Ruby curb", "ruby-curb", GLOBAL, MULTI, 4, "ruby curb.rb"),
    row("Perl WWW::Curl", "libwww-curl-perl", LOCAL, "easy, multi", 4, "perl www_curl.pl",
        how=ANY_ORDER),
    row("Lua", "lua-curl lua5.1", LOCAL, EASY, 4, "lua5.1 lua_curl.lua"),
    row("Tcl", "tclcurl", LOCAL, EASY, 3, "tclsh tclcurl.tcl"),
    row("Emacs plz", "elpa-plz emacs-nox curl", CHILD, EASY, 2,
        ["emacs", *NO_INIT, "-l", "$programs/plz.el"], env=CHAT_URL, how=ANY_TRACE),
    row("Neovim", "neovim curl", CHILD, EASY, 2,
        ["nvim", "--headless", "-u", "NONE", "-c", "luafile $programs/neovim.lua"],
        env=CHAT_URL, how=ANY_TRACE),
    row("shell script", "bash curl", CHILD, EASY, 1, "sh levels.sh"),
]

# Programs that have nothing to do with libcurl, and must not notice that the shim is there.
BYSTANDERS = {
    "node": ["node", "$programs/bystander.js", "$chat"],
    "java": ["java", "-version"],
    "ruby": ["ruby", "-rsocket", "-rjson", "-e", "puts RUBY_VERSION, JSON.generate([nil])"],
    "perl": ["perl", "-MSocket", "-MPOSIX", "-e", "print floor(1.5), `echo child`"],
    "bash": ["bash", "-c", "type enable; echo 1 | tr 1 2; exec 3<>/dev/tcp/127.0.0.1/$port; exit 3"],
    "ssh": ["ssh", "-G", "example.invalid"],
    "python": [PYTHON, "-c", "import ssl, sqlite3, ctypes; print(ctypes.CDLL(None).getppid() > 0)"],
    "emacs": ["emacs", "-Q", "--batch", "--eval", "(princ emacs-version)"],
}
# fmt: on
