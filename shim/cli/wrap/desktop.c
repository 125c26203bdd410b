// SPDX-License-Identifier: MIT
/* Copies of desktop entries (Desktop Entry Specification 1.5). A copy of the same name in the
 * user's own folder hides the system's entry. Only the program's name in Exec is changed;
 * DBusActivatable is left out, because with it Exec would not be looked at. */
#include "cli/wrap/wrap.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/folder.h"
#include "core/variables.h"
#include "cli/command.h"
#include "cli/files.h"

#define GROUP "[Desktop Entry]"
#define MARK "X-Tagalong-Launcher="

static bool own_folder(char *ret_path, size_t size)
{
	struct buf path;

	buf_init(&path, ret_path, size);
	if (!folder_of_user(&path, "XDG_DATA_HOME", "/.local/share"))
		return false;
	buf_add(&path, TEXT("/applications"));
	return !path.full;
}

/* Whether a line has the program start, and what follows that in it. The program is the first word of
 * Exec's value, perhaps in quotes. */
static bool starts_program(struct text line, const char *name, struct text *ret_arguments)
{
	struct text value = text_from(line, TEXT("Exec=").len), program;
	bool quoted = value.len && value.ptr[0] == '"';
	size_t end = quoted;

	if (!text_starts_with(line, TEXT("Exec=")))
		return false;
	while (end < value.len && value.ptr[end] != (quoted ? '"' : ' '))
		end += quoted && value.ptr[end] == '\\' ? 2 : 1;
	end = end < value.len ? end : value.len;
	program = text_from((struct text){ value.ptr, end }, quoted);
	*ret_arguments = text_from(value, end + quoted);
	return text_eq(text_from(program, (size_t)(text_find_last(program, '/') + 1)),
		       text_of(name));
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

/* Whether it had the program start. */
static bool write_line(FILE *out, struct text line, const char *name, const char *launcher)
{
	struct text arguments;
	bool starts = starts_program(line, name, &arguments);

	if (text_starts_with(line, TEXT("DBusActivatable=")) || text_starts_with(line, TEXT(MARK)))
		return false;
	if (starts) {
		fputs("Exec=", out);
		write_program(out, launcher);
		line = arguments;
	}
	fprintf(out, "%.*s\n", (int)line.len, line.len ? line.ptr : "");
	if (text_eq(line, TEXT(GROUP)))
		write_mark(out, launcher);
	return starts;
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
	while (text_next(&rest, '\n', &line))
		starts |= write_line(out, line, name, launcher);
	if (!fclose(out) && starts)
		return copy;
	free(copy);
	return NULL;
}

/* Writes the copy of one entry, unless something else is in its place. */
static void wrap_entry(const char *source_path, const char *file, const char *name,
		       const char *launcher, desktop_report *report)
{
	char folder[PATH_BYTES_MAX], path[PATH_BYTES_MAX], *source, *copy = NULL, *before = NULL;
	size_t len;
	bool ours;
	int result;

	if (!own_folder(folder, sizeof(folder)) ||
	    snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path) ||
	    file_load(source_path, &source, &len))
		return;
	copy = make_copy(source, name, launcher);
	free(source);
	if (!copy)
		return;
	ours = !file_load(path, &before, &len) && strstr(before, "\n" MARK);
	free(before);
	result = folder_make(folder, 0777);
	if (!result)
		result = file_write(path, text_of(copy), 0644, ours ? FILE_REPLACE : FILE_NEW);
	report(path, result == -EEXIST ? "it exists and was not written by tagalong wrap" :
		     result	       ? strerror(-result) :
					 NULL);
	free(copy);
}

/* Removes one entry, if it is a copy that starts the launcher. */
static void unwrap_entry(const char *path, const char *launcher, desktop_report *report)
{
	char *source = NULL, *mark = NULL;
	FILE *out;
	size_t len;

	if (file_load(path, &source, &len))
		return;
	out = open_memstream(&mark, &len);
	if (out) {
		write_mark(out, launcher);
		if (!fclose(out) && strstr(source, mark))
			report(path, unlink(path) ? strerror(errno) : NULL);
	}
	free(mark);
	free(source);
}

/* Each entry of a folder: wrapped with a name, else unwrapped. */
static void each_entry(const char *folder, const char *name, const char *launcher,
		       desktop_report *report)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	char path[PATH_BYTES_MAX];

	while (entries && (entry = readdir(entries))) {
		if (!text_ends_with(text_of(entry->d_name), TEXT(".desktop")) ||
		    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >=
			    (int)sizeof(path))
			continue;
		if (name)
			wrap_entry(path, entry->d_name, name, launcher, report);
		else
			unwrap_entry(path, launcher, report);
	}
	if (entries)
		closedir(entries);
}

void desktop_wrap(const char *name, const char *launcher, desktop_report *report)
{
	const char *list = variable_get_named("XDG_DATA_DIRS");
	struct text rest = text_of(list ? list : "/usr/local/share:/usr/share"), folder;
	char path[PATH_BYTES_MAX];

	while (text_next(&rest, ':', &folder)) {
		if (folder.len && folder.ptr[0] == '/' &&
		    snprintf(path, sizeof(path), "%.*s/applications", (int)folder.len, folder.ptr) <
			    (int)sizeof(path))
			each_entry(path, name, launcher, report);
	}
}

void desktop_unwrap(const char *launcher, desktop_report *report)
{
	char path[PATH_BYTES_MAX];

	if (own_folder(path, sizeof(path)))
		each_entry(path, NULL, launcher, report);
}
