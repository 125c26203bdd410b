// SPDX-License-Identifier: MIT
/*
 * Copies of desktop entries (Desktop Entry Specification 1.5). A copy of the same name in the
 * user's own folder hides the system's entry. Only the program's name in Exec is changed;
 * DBusActivatable is left out, because with it Exec would not be looked at.
 */
#include "cli/wrap/desktop.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/limits.h"
#include "lib/text.h"
#include "core/variables.h"
#include "cli/program.h"
#include "cli/wrap/own_file.h"

#define GROUP "[Desktop Entry]"
#define MARK "X-Tagalong-Launcher="

static bool own_folder(char *ret_path, size_t size)
{
	const char *data = variable_get_named("XDG_DATA_HOME"), *home = variable_get_named("HOME");

	if (data && data[0] == '/')
		return snprintf(ret_path, size, "%s/applications", data) < (int)size;
	return home && home[0] == '/' &&
	       snprintf(ret_path, size, "%s/.local/share/applications", home) < (int)size;
}

/* The program in the value of Exec: its first word, perhaps in quotes. *ret_len is what it
 * takes. */
static struct text exec_program(struct text value, size_t *ret_len)
{
	size_t end = 0;
	bool quoted = value.len && value.ptr[0] == '"';

	if (!quoted) {
		while (end < value.len && value.ptr[end] != ' ')
			end++;
		*ret_len = end;
		return (struct text){ value.ptr, end };
	}
	for (end = 1; end < value.len && value.ptr[end] != '"'; end++)
		end += value.ptr[end] == '\\';
	*ret_len = end < value.len ? end + 1 : value.len;
	return (struct text){ value.ptr + 1, end < value.len ? end - 1 : value.len - 1 };
}

static bool starts_program(struct text line, const char *name)
{
	size_t len;
	struct text program;
	ptrdiff_t slash;

	if (!text_starts_with(line, TEXT("Exec=")))
		return false;
	program = exec_program(text_from(line, TEXT("Exec=").len), &len);
	slash = text_find_last(program, '/');
	return text_eq(text_from(program, (size_t)(slash + 1)), text_of(name));
}

/* A path as the program of Exec: quoted where it has to be, and then escaped as every string is. */
static void write_program(FILE *out, const char *path)
{
	bool quote = strpbrk(path, " \t\n\"'\\><~|&;$*?#()`") != NULL;

	if (quote)
		fputc('"', out);
	for (; *path; path++) {
		if (strchr("\"`$\\", *path))
			fputs("\\\\", out);
		if (*path == '\\' || *path == '%')
			fputc(*path, out);
		fputc(*path, out);
	}
	if (quote)
		fputc('"', out);
}

/* A value of the type string. */
static void write_mark(FILE *out, const char *launcher)
{
	fputs(MARK, out);
	for (; *launcher; launcher++) {
		if (*launcher == '\\')
			fputc('\\', out);
		fputc(*launcher, out);
	}
	fputc('\n', out);
}

static void write_line(FILE *out, struct text line, const char *name, const char *launcher)
{
	size_t len = 0;

	if (text_starts_with(line, TEXT("DBusActivatable=")) || text_starts_with(line, TEXT(MARK)))
		return;
	if (starts_program(line, name)) {
		line = text_from(line, TEXT("Exec=").len);
		exec_program(line, &len);
		fputs("Exec=", out);
		write_program(out, launcher);
		line = text_from(line, len);
	}
	fprintf(out, "%.*s\n", (int)line.len, line.ptr ? line.ptr : "");
	if (text_eq(line, TEXT(GROUP)))
		write_mark(out, launcher);
}

/* The copy's text, to be freed; NULL when the entry does not start the program. */
static char *make_copy(const char *source, const char *name, const char *launcher)
{
	struct text rest = text_of(source), line;
	char *copy = NULL;
	size_t size;
	bool starts = false;
	FILE *out = open_memstream(&copy, &size);

	if (!out)
		return NULL;
	while (text_next(&rest, '\n', &line)) {
		starts |= starts_program(line, name);
		write_line(out, line, name, launcher);
	}
	if (!fclose(out) && starts)
		return copy;
	free(copy);
	return NULL;
}

static void write_copy(const char *file, const char *copy, desktop_told *told)
{
	char folder[PATH_BYTES_MAX], path[PATH_BYTES_MAX];
	char *before;
	bool ours;
	int result;

	if (!own_folder(folder, sizeof(folder)) ||
	    snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return;
	before = own_file_read(path);
	ours = before && strstr(before, "\n" MARK);
	free(before);
	result = own_folder_make(folder);
	if (!result)
		result = own_file_write(path, 0644, copy, ours);
	told(path, result == -EEXIST ? "it is there, and was not made by tagalong wrap" :
		   result ? strerror(-result) : NULL);
}

static void each_entry(const char *folder,
		       void (*each)(const char *path, const char *file, void *arg), void *arg)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	char path[PATH_BYTES_MAX];

	while (entries && (entry = readdir(entries))) {
		if (text_ends_with(text_of(entry->d_name), TEXT(".desktop")) &&
		    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < (int)sizeof(path))
			each(path, entry->d_name, arg);
	}
	if (entries)
		closedir(entries);
}

struct work {
	const char *name, *launcher;
	desktop_told *told;
};

static void wrap_entry(const char *path, const char *file, void *arg)
{
	const struct work *work = arg;
	char *source = own_file_read(path);
	char *copy = source ? make_copy(source, work->name, work->launcher) : NULL;

	if (copy)
		write_copy(file, copy, work->told);
	free(copy);
	free(source);
}

static void unwrap_entry(const char *path, const char *file, void *arg)
{
	const struct work *work = arg;
	char *source = own_file_read(path), *mark = NULL;
	size_t size;
	FILE *out = open_memstream(&mark, &size);

	if (out) {
		write_mark(out, work->launcher);
		if (!fclose(out) && source && strstr(source, mark))
			work->told(path, unlink(path) ? strerror(errno) : NULL);
	}
	free(mark);
	free(source);
}

void desktop_wrap(const char *name, const char *launcher, desktop_told *told)
{
	const char *list = variable_get_named("XDG_DATA_DIRS");
	struct text rest = text_of(list ? list : "/usr/local/share:/usr/share"), folder;
	struct work work = { name, launcher, told };
	char path[PATH_BYTES_MAX];

	while (text_next(&rest, ':', &folder)) {
		if (folder.len && folder.ptr[0] == '/' &&
		    snprintf(path, sizeof(path), "%.*s/applications", (int)folder.len, folder.ptr) <
			    (int)sizeof(path))
			each_entry(path, wrap_entry, &work);
	}
}

void desktop_unwrap(const char *launcher, desktop_told *told)
{
	struct work work = { NULL, launcher, told };
	char path[PATH_BYTES_MAX];

	if (own_folder(path, sizeof(path)))
		each_entry(path, unwrap_entry, &work);
}
