// SPDX-License-Identifier: MIT
/* Programs that are known by name, because their files do not say what they do: a row for those
 * that are alike, and where the plugins of a language lie. */
#include "cli/doctor/doctor.h"

#include <fnmatch.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/limits.h"
#include "lib/text.h"
#include "core/variables.h"

#define LUA(version) \
	"lib/*/lua/" version "/*curl*.so lib/*/lua/" version "/*/*curl*.so " \
	"lib/lua/" version "/*curl*.so local/lib/lua/" version "/*curl*.so"

/* clang-format off */
static const struct known rows[] = {
	{ "php php[0-9]* php-cgi* php-fpm*", KNOWN_PLUGINS,
	  "what uses PHP's curl extension is tagged (Guzzle too); PHP's own streams are not",
	  "install PHP's curl extension, and let the program use it",
	  "lib/php/*/curl.so lib/php/extensions/*/curl.so lib64/php/modules/curl.so", NULL },
	{ "python python[23] python[23].[0-9]* ipython* jupyter*", KNOWN_PYTHON,
	  "requests by http.client, httpx, aiohttp and pycurl are tagged, so those of requests, urllib and "
	  "the OpenAI and Anthropic SDKs as well", "let TAGALONG_HOOKS contain python",
	  "lib/python3*/dist-packages/pycurl*.so lib/python3*/site-packages/pycurl*.so "
	  "lib64/python3*/site-packages/pycurl*.so local/lib/python3*/dist-packages/pycurl*.so "
	  "~/.local/lib/python3*/site-packages/pycurl*.so", NULL },
	{ "R Rscript", KNOWN_PLUGINS,
	  "what uses curl, httr, httr2, RCurl or download.file with libcurl is tagged",
	  "install the package curl or httr2",
	  "lib/R/site-library/*/libs/*.so lib/R/library/*/libs/*.so lib/R/modules/*.so "
	  "lib64/R/library/*/libs/*.so local/lib/R/site-library/*/libs/*.so ~/R/*/*/*/libs/*.so", NULL },
	{ "ruby ruby[0-9]* irb* rails bundle", KNOWN_PLUGINS,
	  "what uses curb, ethon or typhoeus is tagged; Net::HTTP is not",
	  "install the gem typhoeus or curb, and let the program use it",
	  "lib/*/rubygems-integration/*/extensions/*/*/curb-*/*.so lib/ruby/vendor_ruby/*/*/curb_core.so "
	  "lib/ruby/gems/*/extensions/*/*/curb-*/*.so /var/lib/gems/*/extensions/*/*/curb-*/*.so",
	  "share/rubygems-integration/*/gems/ethon-* lib/ruby/gems/*/gems/ethon-* "
	  "/var/lib/gems/*/gems/ethon-*" },
	{ "perl perl5*", KNOWN_PLUGINS,
	  "what uses WWW::Curl or Net::Curl is tagged; LWP and HTTP::Tiny are not",
	  "install WWW::Curl or Net::Curl, and let the program use it",
	  "lib/*/perl5/*/auto/*/Curl/Curl.so local/lib/*/perl/*/auto/*/Curl/Curl.so "
	  "lib/perl5/auto/*/Curl/Curl.so", NULL },
	{ "lua5.1 luajit*", KNOWN_PLUGINS, "what uses Lua-cURL is tagged; LuaSocket is not",
	  "install Lua-cURL", LUA("5.1"), NULL },
	{ "lua5.2", KNOWN_PLUGINS, "what uses Lua-cURL is tagged; LuaSocket is not",
	  "install Lua-cURL", LUA("5.2"), NULL },
	{ "lua5.3", KNOWN_PLUGINS, "what uses Lua-cURL is tagged; LuaSocket is not",
	  "install Lua-cURL", LUA("5.3"), NULL },
	{ "lua5.4", KNOWN_PLUGINS, "what uses Lua-cURL is tagged; LuaSocket is not",
	  "install Lua-cURL", LUA("5.4"), NULL },
	{ "tclsh* wish*", KNOWN_PLUGINS, "what uses TclCurl is tagged; Tcl's http package is not",
	  "install TclCurl", "lib/tcltk/TclCurl*/*.so lib/TclCurl*/*.so", NULL },

	{ "node nodejs", KNOWN_NODE, "Node's fetch, undici and http are tagged, from Node 18 on",
	  "install hooks/node/tagalong.cjs beside the library, and let TAGALONG_HOOKS contain node", NULL, NULL },
	{ "kilo opencode", KNOWN_AGENT, "it has its own HTTP and TLS, and takes a plugin, which is not installed",
	  "run tagalong agents install kilo (or opencode); the commands that it starts are tagged",
	  NULL, NULL },
	{ "codex", KNOWN_AGENT, "it has its own HTTP and TLS",
	  "run tagalong agents install codex, or let env_http_headers of its provider name "
	  "TAGALONG_START_TASK_ID and the like, which tagalong run sets; the commands that it starts are tagged",
	  NULL, NULL },
	{ "cline", KNOWN_BUN,
	  "what Bun's fetch sends is tagged; its hub goes on running with the environment of whoever started "
	  "it first, which CLINE_SESSION_BACKEND_MODE=local leaves out",
	  NULL, NULL, NULL },
	/* From npm a script for Node that starts what it has downloaded. */
	{ "crush", KNOWN_OWN_HTTP, "it has its own HTTP and TLS",
	  "set the headers in the client or in a proxy; the commands that it starts are tagged",
	  NULL, NULL },
	{ "code codium code-oss cursor electron*", KNOWN_OWN_HTTP,
	  "Electron has its own HTTP and TLS",
	  "set the headers in the client or in a proxy; the commands that it starts are tagged",
	  NULL, NULL },
	{ "java kotlin scala", KNOWN_OWN_HTTP, "Java has its own HTTP and TLS",
	  "set the headers in the client or in a proxy", NULL, NULL },
	{ "wget wget2 aria2c lynx w3m links", KNOWN_OWN_HTTP,
	  "it has its own HTTP", "use curl in its place", NULL, NULL },

	{ "sh bash dash zsh fish ksh* mksh rbash busybox", KNOWN_STARTS,
	  "a shell sends no requests itself; the curl, PHP or Python that it starts is tagged",
	  NULL, NULL, NULL },
	{ "emacs emacs-* vim vim.* vi ex view rvim nvim kak hx ed", KNOWN_STARTS,
	  "an editor sends no requests by libcurl itself; the curl that its plugins start is tagged",
	  NULL, NULL, NULL },
	{ "git", KNOWN_STARTS, "git itself sends nothing; git-remote-https, which it starts, has libcurl",
	  NULL, NULL, NULL },
	{ "make gmake ninja env xargs find parallel nohup timeout nice ionice setsid stdbuf time watch "
	  "script tmux screen entr direnv run-parts", KNOWN_STARTS,
	  "it sends no requests itself; what it starts is tagged", NULL, NULL, NULL },

	{ "docker podman nerdctl kubectl oc lxc lxc-* systemd-nspawn distrobox toolbox apptainer "
	  "singularity", KNOWN_ELSEWHERE,
	  "a container has its own libraries and environment",
	  "put libtagalong.so into the image, and set LD_PRELOAD and TAGALONG_* inside", NULL, NULL },
	{ "snap flatpak bwrap", KNOWN_ELSEWHERE,
	  "it starts programs in a sandbox with their own libraries",
	  "use the distribution's package of the program, or set LD_PRELOAD inside", NULL, NULL },
	{ "sudo doas pkexec su runuser", KNOWN_ELSEWHERE,
	  "what it starts gets another user's environment, without LD_PRELOAD",
	  "put sudo first: sudo tagalong run -- COMMAND", NULL, NULL },
	{ "systemctl systemd-run crontab at batch", KNOWN_ELSEWHERE,
	  "a daemon starts the command, in its own environment",
	  "put tagalong run into the command that the daemon starts", NULL, NULL },
	{ "ssh rsh mosh", KNOWN_ELSEWHERE, "the command runs on another machine",
	  "use tagalong run on that machine", NULL, NULL },
};
/* clang-format on */

const struct known *known_find(const char *name)
{
	struct text names, word;
	char pattern[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		names = text_of(rows[i].names);
		while (text_next(&names, ' ', &word)) {
			snprintf(pattern, sizeof(pattern), "%.*s", (int)word.len, word.ptr);
			if (!fnmatch(pattern, name, 0))
				return &rows[i];
		}
	}
	return NULL;
}

/* The folder above the interpreter's: /usr of /bin/php, where /bin is a link to /usr/bin. */
static bool find_prefix(const char *path, char ret_prefix[PATH_BYTES_MAX])
{
	char copy[PATH_BYTES_MAX];
	char *folder;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return false;
	folder = realpath(dirname(copy), NULL);
	if (!folder)
		return false;
	snprintf(ret_prefix, PATH_BYTES_MAX, "%s", dirname(folder));
	free(folder);
	return true;
}

enum file_kind { FILE_BINDING, FILE_PLUGIN };

/* Plugins count when they need libcurl. */
static void list_files(const char *patterns, const char *prefix, enum file_kind kind,
		       struct list *ret_list)
{
	const char *home = variable_get_named("HOME");
	struct text rest = text_of(patterns), word;
	char pattern[PATH_BYTES_MAX + 256];
	struct binary binary;
	glob_t found;

	while (text_next(&rest, ' ', &word)) {
		bool is_absolute = word.ptr[0] == '/', is_below_home = word.ptr[0] == '~';

		if (is_below_home && !home)
			continue;
		word = text_from(word, is_below_home);
		snprintf(pattern, sizeof(pattern), "%s%s%.*s",
			 is_absolute   ? "" :
			 is_below_home ? home :
					 prefix,
			 is_absolute || is_below_home ? "" : "/", (int)word.len, word.ptr);
		if (glob(pattern, 0, NULL, &found))
			continue;
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *file = found.gl_pathv[i];

			if (kind == FILE_BINDING ||
			    (binary_read(file, &binary) && binary.needs_libcurl))
				list_add(ret_list, file);
		}
		globfree(&found);
	}
}

void known_list_files(const struct known *known, const char *path, struct list *ret_plugins,
		      struct list *ret_bindings)
{
	char prefix[PATH_BYTES_MAX];

	if (!find_prefix(path, prefix))
		return;
	list_files(known->plugins, prefix, FILE_PLUGIN, ret_plugins);
	list_files(known->bindings, prefix, FILE_BINDING, ret_bindings);
}
