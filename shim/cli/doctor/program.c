// SPDX-License-Identifier: MIT
/* From a command's name to a verdict. Scripts are followed to the program that the kernel
 * starts; which libraries that needs is asked of its own dynamic loader, which runs none of its
 * code. */
#include <elf.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/agents/agents.h"
#include "cli/doctor/doctor.h"
#include "cli/files.h"
#include "cli/launch.h"
#include "cli/wrap/wrap.h"

/* The kernel follows four scripts. */
#define SCRIPTS_MAX 4
/* What a loader prints about some hundred libraries. */
#define LOADER_BYTES_MAX 65536

struct target {
	struct program_report *report;
	char path[PATH_BYTES_MAX]; /* in the end the binary */
	const struct known *known; /* of the outermost program that has a row */
	char known_path[PATH_BYTES_MAX];
	bool is_isolated; /* a script whose first line keeps Python from reading sitecustomize.py */
	bool is_foreign; /* of another class than this command, and has a library of its own */
};

static void conclude(struct target *target, enum program_verdict verdict, enum program_hook hook,
		     const char *reason, const char *advice)
{
	target->report->verdict = verdict;
	target->report->hook = hook;
	target->report->reason = reason;
	target->report->advice = advice;
}

static void not_tagged(struct target *target, const char *reason, const char *advice)
{
	conclude(target, PROGRAM_NOT_TAGGED, HOOK_NONE, reason, advice);
}

/* Looks the name of a file up, and the name of the file that it is a link to. */
static void look_up(struct target *target)
{
	char resolved[PATH_MAX];

	if (target->known)
		return;
	snprintf(target->known_path, sizeof(target->known_path), "%s", target->path);
	target->known = known_find(program_name(target->path));
	if (target->known || !realpath(target->path, resolved))
		return;
	snprintf(target->known_path, sizeof(target->known_path), "%s", resolved);
	target->known = known_find(program_name(resolved));
}

/* Whether with these options Python reads neither PYTHONPATH nor sitecustomize.py. */
static bool isolates_python(const char *options)
{
	for (options += strspn(options, " \t"); *options == '-';
	     options += strspn(options, " \t")) {
		options++;
		/* What is behind a letter that takes an argument is that argument. */
		if (strcspn(options, "EIS") < strcspn(options, "WXcm \t"))
			return true;
		options += strcspn(options, " \t");
	}
	return false;
}

/* The interpreter of a script: what "#!" says, and through env what that would start. */
static bool next_interpreter(struct target *target, const char *line)
{
	bool (*is_skipped)(const char *path) = NULL;
	char copy[512], *word, *rest;

	snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
	word = strtok_r(copy, " \t", &rest);
	if (!word)
		return false;
	if (!strcmp(program_name(word), "env")) {
		/* Options and NAME=VALUE are env's own. */
		do
			word = strtok_r(NULL, " \t", &rest);
		while (word && (word[0] == '-' || strchr(word, '=')));
		is_skipped = launcher_is;
	}
	target->is_isolated = rest && isolates_python(rest);
	return word && program_find(word, is_skipped, target->path, sizeof(target->path));
}

/* A program from npm is often a script for Node that does no more than start the native program of
 * the same name, which lies in a package for this system: node_modules/NAME-linux-x64/bin/NAME. */
static void find_native(struct target *target, const char *script)
{
	const char *name = program_name(script);
	char folder[PATH_MAX], pattern[PATH_MAX + 256], *slash;
	struct binary binary;
	bool found = false;
	glob_t files;

	if (strcmp(program_name(target->path), "node") || !realpath(script, folder))
		return;
	while (!found && (slash = strrchr(folder, '/'))) {
		*slash = '\0';
		snprintf(pattern, sizeof(pattern),
			 "%s/node_modules/{,@*/}*linux*/{,bin/,vendor/*/bin/}%s", folder, name);
		if (glob(pattern, GLOB_BRACE, NULL, &files))
			continue;
		for (size_t i = 0; i < files.gl_pathc && !found; i++) {
			found = binary_read(files.gl_pathv[i], &binary);
			if (found)
				snprintf(target->path, sizeof(target->path), "%s",
					 files.gl_pathv[i]);
		}
		globfree(&files);
	}
}

/* Follows scripts to the binary. False when there is none at the end. */
static bool follow_scripts(struct target *target)
{
	char head[512], script[PATH_BYTES_MAX];

	for (int i = 0; i <= SCRIPTS_MAX; i++) {
		size_t got;
		FILE *file;

		look_up(target);
		if (binary_read(target->path, &target->report->binary))
			return true;
		list_add(&target->report->scripts, target->path);
		snprintf(script, sizeof(script), "%s", target->path);
		file = fopen(target->path, "re");
		got = file ? fread(head, 1, sizeof(head) - 1, file) : 0;
		head[got] = '\0';
		if (file)
			fclose(file);
		/* Without "#!" a shell runs it. */
		if (!next_interpreter(target, strncmp(head, "#!", 2) ? "/bin/sh" : head + 2))
			return false;
		find_native(target, script);
	}
	return false;
}

/* Whether the kernel starts it with rights that the user does not have: then the loader ignores
 * LD_PRELOAD (ld.so(8), "Secure-execution mode"). */
static bool has_raised_rights(struct target *target)
{
	struct program_report *report = target->report;
	struct stat status;
	struct statvfs mount;

	if (stat(target->path, &status))
		return false;
	report->setuid = status.st_mode & (S_ISUID | S_ISGID);
	report->capabilities = getxattr(target->path, "security.capability", NULL, 0) > 0;
	if (!statvfs(target->path, &mount) && (mount.f_flag & ST_NOSUID))
		return false; /* there, they do not count */
	return ((status.st_mode & S_ISUID) && status.st_uid != getuid()) ||
	       ((status.st_mode & S_ISGID) && status.st_gid != getgid()) ||
	       (report->capabilities && getuid());
}

static bool is_glibc_loader(const char *path)
{
	struct text name = text_of(program_name(path));

	/* One of the system's: it is going to be started. */
	return text_starts_with(text_of(path), TEXT("/lib")) && !strstr(path, "/..") &&
	       (text_starts_with(name, TEXT("ld-linux")) ||
		text_starts_with(name, TEXT("ld64.so")) || text_starts_with(name, TEXT("ld.so")));
}

static bool is_musl_loader(const char *path)
{
	return text_starts_with(text_of(path), TEXT("/lib/ld-musl-"));
}

/* What a loader prints about the libraries of a program, as ldd(1) asks it; in the child, nothing
 * is preloaded. Cut to size - 1 bytes. False when it could not be run, or was ended by a signal. */
static bool ask_loader(char *const argv[], char *ret_text, size_t size)
{
	int ends[2], status, null;
	pid_t child;
	FILE *out;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	child = fork();
	if (!child) {
		null = open("/dev/null", O_RDWR);
		unsetenv("LD_PRELOAD");
		setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);
		dup2(null, STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(EXIT_NOT_FOUND);
	}
	close(ends[1]);
	out = child < 0 ? NULL : fdopen(ends[0], "r");
	if (!out) {
		close(ends[0]);
		return false;
	}
	ret_text[fread(ret_text, 1, size - 1, out)] = '\0';
	while (getc_unlocked(out) != EOF)
		; /* so that the loader does not die of a full pipe */
	fclose(out);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
}

/* Lines are "libcurl.so.4 => /lib/libcurl.so.4 (0x...)", or "... => not found". */
static void list_libraries(struct target *target)
{
	/* $ORIGIN is the folder of the file itself, where the kernel starts it by a link. */
	char *resolved = realpath(target->path, NULL), name[256], path[PATH_BYTES_MAX];
	char *loader = target->report->binary.interpreter, list[] = "--list";
	/* glibc's is asked by a variable, which is set in the child. */
	char *glibc[] = { loader, resolved, NULL }, *musl[] = { loader, list, resolved, NULL };
	char *const *argv = is_musl_loader(loader) ? musl : glibc;
	char *output = malloc(LOADER_BYTES_MAX);
	struct text rest, line;

	if (resolved && output && ask_loader(argv, output, LOADER_BYTES_MAX)) {
		rest = text_of(output);
		while (text_next(&rest, '\n', &line)) {
			if (line.len >= sizeof(path) ||
			    sscanf(line.ptr, " %255s => %4095[^\n]", name, path) != 2)
				continue;
			if (text_starts_with(text_of(path), TEXT("not found"))) {
				list_add(&target->report->missing, name);
			} else if (names_libcurl(name)) {
				path[strcspn(path, " ")] = '\0';
				list_add(&target->report->libcurl, path);
			}
		}
	}
	free(output);
	free(resolved);
}

static void compare_class(void *arg, const char *path)
{
	struct target *target = arg;
	struct binary library;

	if (binary_read(path, &library) && library.is_64 == target->report->binary.is_64 &&
	    library.machine == target->report->binary.machine)
		target->is_foreign = true;
}

/* Whether it is a 32-bit program of x86 whose loader finds a library by $LIB. Debian's
 * libc6-i386, of /lib32, looks in another folder. */
static bool has_own_library(struct target *target)
{
	const struct binary *binary = &target->report->binary;
	char path[PATH_BYTES_MAX], loader[PATH_MAX];

	if (binary->machine == EM_386 && !library_path(path) &&
	    realpath(binary->interpreter, loader) &&
	    !text_starts_with(text_of(loader), TEXT("/lib32/")) &&
	    !text_starts_with(text_of(loader), TEXT("/usr/lib32/")))
		library_others(path, compare_class, target);
	return target->is_foreign;
}

/* What keeps the library out, whatever the program does. */
static bool find_obstacle(struct target *target, bool raised)
{
	const struct binary *binary = &target->report->binary;
	char path[PATH_BYTES_MAX];
	struct binary own;

	if (raised)
		not_tagged(
			target,
			"it runs with elevated privileges (setuid, setgid or file capabilities), so the "
			"loader ignores LD_PRELOAD",
			"use a copy without those rights, or start it as that user");
	else if (binary_read("/proc/self/exe", &own) &&
		 (own.is_64 != binary->is_64 || own.machine != binary->machine) &&
		 !has_own_library(target))
		not_tagged(target, "it is for another machine or class than this Tagalong",
			   "build Tagalong for that machine");
	else if (!binary->interpreter[0])
		not_tagged(
			target,
			binary->has_libcurl ? "it is linked statically, libcurl too" :
			binary->is_go ? "it is a Go program, linked statically, with Go's own TLS" :
					"it is linked statically: nothing can be loaded into it",
			binary->is_go || binary->is_rust ?
				"set the headers in the client or in a proxy" :
				"use a dynamically linked build, or a proxy that adds the headers");
	else if (!is_glibc_loader(binary->interpreter) && !is_musl_loader(binary->interpreter))
		not_tagged(target, "its loader is neither glibc's nor musl's",
			   "use the program's build for glibc");
	else if (is_musl_loader(binary->interpreter) && !library_path(path) &&
		 library_has_lib_token(path))
		not_tagged(target, "it is for musl, whose loader does not know $LIB in LD_PRELOAD",
			   "set TAGALONG_LIB to the path of libtagalong.so");
	else if (access(binary->interpreter, X_OK))
		not_tagged(target, "it cannot be started: its loader is missing", NULL);
	else
		return false;
	return true;
}

/* Kilo and opencode, whose plugin is ours, and Codex, whose configuration names our variables. */
static void conclude_agent(struct target *target)
{
	const struct agent *agent = agent_find(program_name(target->known_path));
	struct receipt receipt;
	const struct agent *also = agent && agent->also ? agent_find(agent->also) : NULL;
	bool installed = agent && !also && !receipt_read(agent, &receipt);
	bool in_place = installed && receipt_is_in_place(&receipt);

	if (installed)
		receipt_release(&receipt);
	if (also && hook_wanted("env") && agent_file_has(also, "TAGALONG_START_"))
		conclude(
			target, PROGRAM_TAGGED, HOOK_ENV,
			"its configuration names the variables that tagalong run sets; they are fixed "
			"for as long as it runs",
			NULL);
	else if (!in_place)
		not_tagged(target, target->known->reason, target->known->advice);
	else
		conclude(target, PROGRAM_TAGGED, HOOK_AGENT,
			 agent_seen(agent) ?
				 "our plugin in it is installed, and was seen working" :
				 "our plugin in it is installed; it was not seen working yet",
			 NULL);
}

/* Of a program that is not linked with libcurl: by what is known of its name, else by what its file
 * contains. */
static void conclude_unlinked(struct target *target)
{
	const struct binary *binary = &target->report->binary;
	const struct known *known = target->known;
	enum known_kind kind = known ? known->kind : KNOWN_NOT;
	struct program_report *report = target->report;
	char path[PATH_BYTES_MAX];

	if (kind == KNOWN_PYTHON || kind == KNOWN_PLUGINS) {
		known_list_files(known, target->known_path, &report->plugins, &report->bindings);
		if (kind == KNOWN_PYTHON && !target->is_isolated &&
		    runtime_hook(RUNTIME_PYTHON, path))
			conclude(target, PROGRAM_TAGGED, HOOK_PYTHON, known->reason, NULL);
		else if (report->plugins.count)
			conclude(target, PROGRAM_TAGGED, HOOK_PLUGIN,
				 kind == KNOWN_PYTHON ?
					 "what uses pycurl is tagged; the hook for "
					 "Python's own HTTP is not enabled here, or "
					 "kept out by -E, -I or -S in its first line" :
					 known->reason,
				 NULL);
		else if (report->bindings.count)
			conclude(target, PROGRAM_TAGGED, HOOK_DL, known->reason, NULL);
		else
			conclude(target, PROGRAM_CHILDREN_TAGGED, HOOK_NONE,
				 target->is_isolated ?
					 "-E, -I or -S in its first line keeps the hook for "
					 "Python out; what it starts is tagged" :
					 "it has no libcurl plugin here; what it starts is tagged",
				 known->advice);
	} else if (kind == KNOWN_NODE && runtime_hook(RUNTIME_NODE, path)) {
		conclude(target, PROGRAM_TAGGED, HOOK_NODE, known->reason, NULL);
	} else if (kind == KNOWN_NODE) {
		not_tagged(target,
			   "Node has its own HTTP and TLS, and the hook for it is not enabled here",
			   known->advice);
	} else if (kind == KNOWN_OWN_HTTP) {
		not_tagged(target, known->reason, known->advice);
	} else if (kind == KNOWN_STARTS) {
		conclude(target, PROGRAM_CHILDREN_TAGGED, HOOK_NONE, known->reason, known->advice);
	} else if (binary->is_bun && runtime_hook(RUNTIME_BUN, path)) {
		conclude(
			target, PROGRAM_TAGGED, HOOK_BUN,
			kind == KNOWN_BUN ?
				known->reason :
				"what Bun's fetch sends is tagged, unless the program's author switched "
				"BUN_OPTIONS off; doctor --probe tells",
			NULL);
	} else if (launch_has_fixed_headers(report->path) && hook_wanted("env")) {
		conclude(
			target, PROGRAM_TAGGED, HOOK_ENV,
			"tagalong run gives it the headers when it starts, where the variable for its "
			"base URL names a relay; they are fixed for as long as it runs",
			NULL);
	} else if (launch_has_fixed_headers(report->path)) {
		not_tagged(target, "it has its own HTTP and TLS", "let TAGALONG_HOOKS contain env");
	} else if (binary->is_bun || binary->is_old_bun) {
		not_tagged(
			target,
			binary->is_bun ?
				"it is a Bun program, and the hook for them is not enabled here" :
				"it is a Bun program, compiled by a Bun that does not read BUN_OPTIONS",
			"set the headers in the client or in a proxy; the commands that it starts are "
			"tagged");
	} else if (binary->has_libcurl) {
		not_tagged(target, "libcurl is built in, where its calls cannot be intercepted",
			   "use a build with the shared libcurl, or a proxy that adds the headers");
	} else if (binary->is_go) {
		not_tagged(target, "it is a Go program, with Go's own HTTP and TLS",
			   "set the headers in the client or in a proxy");
	} else if (binary->is_rust) {
		not_tagged(target, "it is a Rust program without libcurl",
			   "set the headers in the client or in a proxy");
	} else if (binary->names_libcurl && binary->opens_libraries) {
		conclude(target, PROGRAM_TAGGED, HOOK_DL,
			 "it opens libcurl by name when it needs it", NULL);
	} else {
		not_tagged(target, "it does not use libcurl, and is not known to load it",
			   "what it starts is tagged all the same");
	}
}

static void examine(struct target *target)
{
	struct program_report *report = target->report;
	const struct known *known;
	bool raised;

	if (!follow_scripts(target)) {
		not_tagged(target, "its interpreter is missing", NULL);
		return;
	}
	snprintf(report->binary_path, sizeof(report->binary_path), "%s", target->path);
	if (report->binary.interpreter[0])
		report->libc = is_musl_loader(report->binary.interpreter)  ? "musl" :
			       is_glibc_loader(report->binary.interpreter) ? "glibc" :
									     "another";
	raised = has_raised_rights(target);
	known = target->known;
	if (program_is_appimage(target->path)) {
		not_tagged(target,
			   "it is an AppImage, which brings its own libraries and starts what is "
			   "inside",
			   "unpack it with --appimage-extract, and start the program inside");
	} else if (known && known->kind == KNOWN_ELSEWHERE) {
		not_tagged(target, known->reason, known->advice);
	} else if (known && known->kind == KNOWN_STARTS && !raised &&
		   !report->binary.interpreter[0]) {
		/* A static shell does not load the library, but passes LD_PRELOAD on. */
		conclude(target, PROGRAM_CHILDREN_TAGGED, HOOK_NONE, known->reason, NULL);
	} else if (known && known->kind == KNOWN_AGENT) {
		conclude_agent(target);
	} else if (!find_obstacle(target, raised)) {
		list_libraries(target);
		if (report->missing.count)
			not_tagged(target, "it cannot be started: a library is missing", NULL);
		else if (report->libcurl.count)
			conclude(target, PROGRAM_TAGGED, HOOK_LINKED,
				 "it is linked with the shared libcurl", NULL);
		else if (target->is_foreign)
			not_tagged(target,
				   "it is not linked with libcurl, and the library for its class "
				   "has no other hook",
				   "what it starts is tagged all the same");
		else
			conclude_unlinked(target);
	}
}

bool doctor_program(const char *command, struct program_report *ret_report)
{
	struct target target = { .report = ret_report };
	char resolved[PATH_MAX];

	*ret_report = (struct program_report){ .verdict = PROGRAM_NOT_TAGGED };
	if (!program_find(command, launcher_is, target.path, sizeof(target.path)))
		return false;
	snprintf(ret_report->path, sizeof(ret_report->path), "%s", target.path);
	/* Programs of snap and flatpak are links to, or scripts of, their starter. */
	if (text_starts_with(text_of(target.path), TEXT("/snap/")) ||
	    strstr(target.path, "/flatpak/exports/") ||
	    (realpath(target.path, resolved) && !strcmp(program_name(resolved), "snap"))) {
		target.known = known_find("snap");
		not_tagged(&target, target.known->reason, target.known->advice);
	} else {
		examine(&target);
	}
	return true;
}
