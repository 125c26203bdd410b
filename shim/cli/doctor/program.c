// SPDX-License-Identifier: MIT
/*
 * From a command's name to a verdict. The scripts are followed to the program that the kernel starts;
 * which libraries that needs is asked of its own dynamic loader, which runs none of its code.
 */
#include "cli/doctor/program.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/limits.h"
#include "lib/text.h"
#include "cli/library_path.h"
#include "cli/runtime_hook.h"
#include "cli/program.h"
#include "cli/doctor/binary.h"
#include "cli/doctor/capture.h"
#include "cli/doctor/known.h"
#include "cli/wrap/launcher.h"

/* The kernel follows four scripts. */
#define SCRIPTS_MAX 4
/* What a loader says of some hundred libraries. */
#define LOADER_BYTES_MAX 65536

struct patient {
	cJSON *root;
	char path[PATH_BYTES_MAX]; /* in the end the binary */
	const struct known *known; /* of the outermost that a row is for */
	char known_path[PATH_BYTES_MAX];
	struct binary binary;
	bool is_foreign; /* of another class than this command, and has a library of its own */
};

static void say(cJSON *root, const char *name, const char *text)
{
	cJSON_AddStringToObject(root, name, text);
}

static void conclude(cJSON *root, const char *verdict, const char *door, const char *reason,
		     const char *advice)
{
	say(root, "verdict", verdict);
	if (door)
		say(root, "door", door);
	say(root, "reason", reason);
	if (advice)
		say(root, "advice", advice);
}

static cJSON *list(cJSON *root, const char *name)
{
	return cJSON_AddArrayToObject(root, name);
}

/* Looks a file's name up, and the one that it is a link to. */
static void look_up(struct patient *patient)
{
	char whole[PATH_MAX];

	if (patient->known)
		return;
	snprintf(patient->known_path, sizeof(patient->known_path), "%s", patient->path);
	patient->known = known_find(program_name(patient->path));
	if (patient->known || !realpath(patient->path, whole))
		return;
	snprintf(patient->known_path, sizeof(patient->known_path), "%s", whole);
	patient->known = known_find(program_name(whole));
}

/* The interpreter of a script: what "#!" says, and through env what that would start. */
static bool next_interpreter(const char *line, char ret_path[PATH_BYTES_MAX])
{
	char copy[512], *word, *rest = copy;

	snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
	word = strsep(&rest, " \t");
	while (word && !*word)
		word = strsep(&rest, " \t");
	if (!word)
		return false;
	if (!strcmp(program_name(word), "env")) {
		/* Options and NAME=VALUE are env's own. */
		while ((word = strsep(&rest, " \t"))) {
			if (*word && *word != '-' && !strchr(word, '='))
				break;
		}
		return word && program_find(word, launcher_is, ret_path, PATH_BYTES_MAX);
	}
	return program_find(word, NULL, ret_path, PATH_BYTES_MAX);
}

/* What a file that is no ELF begins with; empty for one that cannot be read. */
static void read_head(const char *path, char *ret_head, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t got = file ? fread(ret_head, 1, size - 1, file) : 0;

	ret_head[got] = '\0';
	if (file)
		fclose(file);
}

/* Follows scripts to the binary. False when there is none at the end. */
static bool follow(struct patient *patient)
{
	cJSON *scripts = list(patient->root, "scripts");
	char head[512];

	for (int i = 0; i <= SCRIPTS_MAX; i++) {
		look_up(patient);
		if (binary_read(patient->path, &patient->binary))
			return true;
		cJSON_AddItemToArray(scripts, cJSON_CreateString(patient->path));
		read_head(patient->path, head, sizeof(head));
		/* Without "#!" a shell runs it. */
		if (!next_interpreter(strncmp(head, "#!", 2) ? "/bin/sh" : head + 2, patient->path))
			return false;
	}
	return false;
}

/* Whether the kernel starts it with rights that the user does not have: then the loader is deaf to
 * LD_PRELOAD (ld.so(8), "Secure-execution mode"). */
static bool is_secure(struct patient *patient)
{
	struct stat status;
	struct statvfs mount;
	bool set, capable = getxattr(patient->path, "security.capability", NULL, 0) > 0;

	if (stat(patient->path, &status))
		return false;
	set = status.st_mode & (S_ISUID | S_ISGID);
	cJSON_AddBoolToObject(patient->root, "setuid", set);
	cJSON_AddBoolToObject(patient->root, "capabilities", capable);
	if (!statvfs(patient->path, &mount) && (mount.f_flag & ST_NOSUID))
		return false; /* there, they do not count */
	return ((status.st_mode & S_ISUID) && status.st_uid != getuid()) ||
	       ((status.st_mode & S_ISGID) && status.st_gid != getgid()) || (capable && getuid());
}

static bool is_glibc_loader(const char *path)
{
	const char *name = program_name(path);

	/* One of the system's: it is going to be started. */
	return text_starts_with(text_of(path), TEXT("/lib")) && !strstr(path, "/..") &&
	       (text_starts_with(text_of(name), TEXT("ld-linux")) ||
		text_starts_with(text_of(name), TEXT("ld64.so")) ||
		text_starts_with(text_of(name), TEXT("ld.so")));
}

/* One line of the loader's: "libcurl.so.4 => /lib/libcurl.so.4 (0x...)", or "... => not found". */
static void take_library(struct text line, cJSON *libcurl, cJSON *missing)
{
	char name[256], path[PATH_BYTES_MAX];

	if (line.len >= sizeof(path) ||
	    sscanf(line.ptr, " %255s => %4095[^\n]", name, path) != 2)
		return;
	if (text_starts_with(text_of(path), TEXT("not found"))) {
		cJSON_AddItemToArray(missing, cJSON_CreateString(name));
		return;
	}
	if (names_libcurl(name)) {
		path[strcspn(path, " ")] = '\0';
		cJSON_AddItemToArray(libcurl, cJSON_CreateString(path));
	}
}

/* As ldd(1) asks, and of glibc's loader only: another one might start the program. */
static void list_libraries(struct patient *patient, cJSON *libcurl, cJSON *missing)
{
	/* $ORIGIN is the folder of the file itself, where the kernel starts it by a link. */
	char *whole = realpath(patient->path, NULL);
	char *argv[] = { patient->binary.interpreter, whole, NULL };
	char *text = malloc(LOADER_BYTES_MAX);
	struct text rest, line;

	if (whole && text && capture(argv, "LD_TRACE_LOADED_OBJECTS", text, LOADER_BYTES_MAX) >= 0) {
		rest = text_of(text);
		while (text_next(&rest, '\n', &line))
			take_library(line, libcurl, missing);
	}
	free(text);
	free(whole);
}

static void describe(struct patient *patient)
{
	const struct binary *binary = &patient->binary;
	cJSON *root = patient->root;
	bool musl = strstr(binary->interpreter, "/ld-musl") != NULL;

	say(root, "binary", patient->path);
	cJSON_AddNumberToObject(root, "class", binary->is_64 ? 64 : 32);
	say(root, "machine", binary_machine(binary));
	say(root, "linking", binary->interpreter[0] ? "dynamic" : "static");
	if (binary->interpreter[0]) {
		say(root, "loader", binary->interpreter);
		say(root, "libc", musl ? "musl" : is_glibc_loader(binary->interpreter) ? "glibc" :
										      "another");
	}
	if (binary->is_go || binary->is_rust || binary->has_libcurl)
		say(root, "builtin",
		    binary->has_libcurl ? "libcurl" : binary->is_go ? "go" : "rust");
}

static const char *first(cJSON *items)
{
	const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(items, 0));

	return text ? text : "";
}

static void compare_class(void *arg, const char *path)
{
	struct patient *patient = arg;
	struct binary library;

	if (binary_read(path, &library) && library.is_64 == patient->binary.is_64 &&
	    library.machine == patient->binary.machine)
		patient->is_foreign = true;
}

/* Whether it is a 32-bit program of x86 whose loader finds a library by $LIB. Debian's libc6-i386, of
 * /lib32, looks in another folder. */
static bool has_own_library(struct patient *patient)
{
	char memory[PATH_MAX] = "", loader[PATH_MAX];
	struct buf path;

	buf_init(&path, memory, sizeof(memory));
	if (patient->binary.machine == EM_386 && !library_path(&path) &&
	    realpath(patient->binary.interpreter, loader) &&
	    !text_starts_with(text_of(loader), TEXT("/lib32/")) &&
	    !text_starts_with(text_of(loader), TEXT("/usr/lib32/")))
		library_others(memory, compare_class, patient);
	return patient->is_foreign;
}

/* What keeps the shim out, whatever the program does. */
static bool conclude_obstacle(struct patient *patient, bool secure)
{
	const struct binary *binary = &patient->binary;
	cJSON *root = patient->root;
	struct binary own;

	if (secure)
		conclude(root, "not", NULL,
			 "it runs with raised rights (setuid, setgid or file capabilities): the loader "
			 "leaves LD_PRELOAD out",
			 "use a copy without those rights, or start it as that user");
	else if (binary_read("/proc/self/exe", &own) &&
		 (own.is_64 != binary->is_64 || own.machine != binary->machine) &&
		 !has_own_library(patient))
		conclude(root, "not", NULL, "it is for another machine or class than this Tagalong",
			 "build Tagalong for it, and use that one");
	else if (!binary->interpreter[0])
		conclude(root, "not", NULL,
			 binary->has_libcurl ? "it is linked statically, libcurl too" :
			 binary->is_go ? "it is a Go program, linked statically, with Go's own TLS" :
					 "it is linked statically: nothing can be loaded into it",
			 "use a build that is linked dynamically, or a proxy that adds the headers");
	else if (!is_glibc_loader(binary->interpreter))
		conclude(root, "not", NULL,
			 strstr(binary->interpreter, "/ld-musl") ?
				 "it is for musl, and libtagalong.so is for glibc" :
				 "its loader is not glibc's",
			 "use the program's build for glibc");
	else if (access(binary->interpreter, X_OK))
		conclude(root, "not", NULL, "it cannot be started: its loader is not there", NULL);
	else
		return false;
	return true;
}

static void conclude_plugins(struct patient *patient)
{
	const struct known *known = patient->known;
	cJSON *plugins = list(patient->root, "plugins"), *bindings = list(patient->root, "bindings");

	known_plugins(known, patient->known_path, plugins);
	known_bindings(known, patient->known_path, bindings);
	if (first(plugins)[0])
		conclude(patient->root, "tagged", "plugin", known->what, NULL);
	else if (first(bindings)[0])
		conclude(patient->root, "tagged", "dl", known->what, NULL);
	else
		conclude(patient->root, "children", NULL,
			 "it has no libcurl plugin here; what it starts is reached", known->advice);
}

static void conclude_node(struct patient *patient)
{
	char memory[PATH_BYTES_MAX];
	struct buf path;

	buf_init(&path, memory, sizeof(memory));
	if (runtime_hook(RUNTIME_NODE, &path))
		conclude(patient->root, "tagged", "node", patient->known->what, NULL);
	else
		conclude(patient->root, "not", NULL,
			 "Node has HTTP and TLS of its own, and the door into it is not open here",
			 patient->known->advice);
}

/* What the name tells, or what the program has inside. */
static void conclude_rest(struct patient *patient)
{
	const struct binary *binary = &patient->binary;
	const struct known *known = patient->known;
	cJSON *root = patient->root;

	if (known && known->kind == KNOWN_PLUGINS)
		conclude_plugins(patient);
	else if (known && known->kind == KNOWN_NODE)
		conclude_node(patient);
	else if (known && known->kind == KNOWN_OWN_HTTP)
		conclude(root, "not", NULL, known->what, known->advice);
	else if (known && known->kind == KNOWN_STARTS)
		conclude(root, "children", NULL, known->what, known->advice);
	else if (binary->has_libcurl)
		conclude(root, "not", NULL, "libcurl is built in, where no library's call is seen",
			 "use a build with the shared libcurl, or a proxy that adds the headers");
	else if (binary->is_go)
		conclude(root, "not", NULL, "it is a Go program, with HTTP and TLS of Go's own",
			 "set the headers in the client, or by a proxy");
	else if (binary->is_rust)
		conclude(root, "not", NULL, "it is a Rust program without libcurl",
			 "set the headers in the client, or by a proxy");
	else if (binary->names_libcurl && binary->opens_libraries)
		conclude(root, "tagged", "dl", "it opens libcurl by its name when it needs one", NULL);
	else
		conclude(root, "not", NULL, "it needs no libcurl, and is not known to load one",
			 "what it starts is reached all the same");
}

static void examine(struct patient *patient)
{
	cJSON *libcurl, *missing;
	bool secure;

	if (!follow(patient)) {
		conclude(patient->root, "not", NULL, "its interpreter is not there", NULL);
		return;
	}
	describe(patient);
	secure = is_secure(patient);
	if (program_is_appimage(patient->path)) {
		conclude(patient->root, "not", NULL,
			 "it is an AppImage: it brings its own libraries, and starts what is inside",
			 "unpack it with --appimage-extract, and start the program inside");
		return;
	}
	if (patient->known && patient->known->kind == KNOWN_ELSEWHERE) {
		conclude(patient->root, "not", NULL, patient->known->what, patient->known->advice);
		return;
	}
	/* The shim is not in a static shell, and passes through it. */
	if (patient->known && patient->known->kind == KNOWN_STARTS && !secure &&
	    !patient->binary.interpreter[0]) {
		conclude(patient->root, "children", NULL, patient->known->what, NULL);
		return;
	}
	if (conclude_obstacle(patient, secure))
		return;
	libcurl = list(patient->root, "libcurl");
	missing = list(patient->root, "missing");
	list_libraries(patient, libcurl, missing);
	if (first(missing)[0])
		conclude(patient->root, "not", NULL, "it cannot be started: a library is missing", NULL);
	else if (first(libcurl)[0])
		conclude(patient->root, "tagged", "linked", "it is linked with the shared libcurl", NULL);
	else if (patient->is_foreign)
		conclude(patient->root, "not", NULL, "it is not linked with libcurl, and the library for "
			 "its class has no other door", "what it starts is reached all the same");
	else
		conclude_rest(patient);
}

/* Programs of snap and flatpak are links to, or scripts of, their starter. */
static bool is_sandboxed(const char *path)
{
	char whole[PATH_MAX];

	return text_starts_with(text_of(path), TEXT("/snap/")) ||
	       strstr(path, "/flatpak/exports/") ||
	       (realpath(path, whole) && !strcmp(program_name(whole), "snap"));
}

cJSON *doctor_program(const char *command)
{
	struct patient patient = { .known = NULL };

	if (!program_find(command, launcher_is, patient.path, sizeof(patient.path)))
		return NULL;
	patient.root = cJSON_CreateObject();
	say(patient.root, "command", command);
	say(patient.root, "path", patient.path);
	if (is_sandboxed(patient.path))
		patient.known = known_find("snap");
	if (patient.known)
		conclude(patient.root, "not", NULL, patient.known->what, patient.known->advice);
	else
		examine(&patient);
	return patient.root;
}
