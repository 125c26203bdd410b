// SPDX-License-Identifier: MIT
/* Writing launchers and recognizing them. A launcher looks for its program when it is started, so
 * that an upgrade may move it; it skips every launcher, so that two never start each other; and
 * without tagalong it starts the program as it is. */
#include "cli/wrap/wrap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/files.h"

#define FIRST_LINE "#!/bin/sh\n"
#define MARK "# Launcher made by tagalong wrap"
#define NAME_LINE "\ntw_name="
#define REAL_LINE "\ntw_real="
#define RUN_LINE "\nexec \"$tw_tagalong\" run "
#define RUN_END "-- \"$tw_real\" \"$@\"\n"

/* Its variables have a prefix: a variable that is exported already would reach the program changed.
 * read is the shell's own, so nothing is started to look at a file. */
static const char body[] =
	"\n"
	"tw_is_launcher() {\n"
	"\ttw_line=\n"
	"\t{ read -r tw_line && [ \"$tw_line\" = '#!/bin/sh' ] && read -r tw_line; } "
	"2>/dev/null <\"$1\"\n"
	"\tcase $tw_line in '" MARK "'*) ;; *) return 1 ;; esac\n"
	"}\n"
	"\n"
	"if [ ! -x \"$tw_real\" ]; then\n"
	"\ttw_real=\n"
	"\ttw_rest=$PATH:\n"
	"\twhile [ -z \"$tw_real\" ] && [ -n \"$tw_rest\" ]; do\n"
	"\t\ttw_file=${tw_rest%%:*}\n"
	"\t\ttw_file=${tw_file:-.}/$tw_name\n"
	"\t\ttw_rest=${tw_rest#*:}\n"
	"\t\tif [ -f \"$tw_file\" ] && [ -x \"$tw_file\" ] && ! tw_is_launcher \"$tw_file\"; then\n"
	"\t\t\ttw_real=$tw_file\n"
	"\t\tfi\n"
	"\tdone\n"
	"fi\n"
	"if [ -z \"$tw_real\" ]; then\n"
	"\tprintf '%s: no such program in PATH\\n' \"$tw_name\" >&2\n"
	"\texit 127\n"
	"fi\n"
	"[ -x \"$tw_tagalong\" ] || tw_tagalong=$(command -v tagalong) || exec \"$tw_real\" \"$@\"";

char *shell_quote(const char *text)
{
	char *quoted = array_grow(NULL, 0, strlen(text) * 4 + 3), *end = quoted;

	*end++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			end = mempcpy(end, "'\\'", 3);
		*end++ = *text;
	}
	*end++ = '\'';
	*end = '\0';
	return quoted;
}

/* The inverse of shell_quote. */
static void unquote(struct text line, char *ret_text, size_t size)
{
	size_t len = 0;

	for (size_t i = 1; i < line.len && len + 1 < size; i++) {
		if (line.ptr[i] == '\'' && text_starts_with(text_from(line, i), TEXT("'\\''")))
			i += 3;
		else if (line.ptr[i] == '\'')
			break;
		ret_text[len++] = line.ptr[i];
	}
	ret_text[len] = '\0';
}

/* The text of a launcher, to be freed; NULL for any other file. */
static char *launcher_text(const char *path)
{
	char *text;
	size_t len;

	if (file_load(path, &text, &len))
		return NULL;
	if (text_starts_with(text_of(text), TEXT(FIRST_LINE MARK)))
		return text;
	free(text);
	return NULL;
}

bool launcher_is(const char *path)
{
	char *text = launcher_text(path);

	free(text);
	return text != NULL;
}

/* What follows `start` in its line. */
static struct text line_after(const char *text, const char *start)
{
	const char *found = strstr(text, start);

	if (!found)
		return TEXT("");
	found += strlen(start);
	return (struct text){ found, strcspn(found, "\n") };
}

/* False when it is none. To be released. */
static bool read_launcher(const char *path, struct launcher *ret_launcher)
{
	struct text options, end = { RUN_END, sizeof(RUN_END) - 2 }; /* without the LF */
	char *text = launcher_text(path);

	if (!text)
		return false;
	unquote(line_after(text, NAME_LINE), ret_launcher->name, sizeof(ret_launcher->name));
	unquote(line_after(text, REAL_LINE), ret_launcher->real, sizeof(ret_launcher->real));
	options = line_after(text, RUN_LINE);
	if (text_ends_with(options, end))
		options.len -= end.len;
	ret_launcher->options = text_copy(options);
	free(text);
	return true;
}

void launcher_release(struct launcher *launcher)
{
	free(launcher->options);
	launcher->options = NULL;
}

void launcher_each(const char *folder,
		   void (*on_launcher)(void *arg, const char *name,
				       const struct launcher *launcher),
		   void *arg)
{
	char path[PATH_BYTES_MAX];
	struct launcher launcher;
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
		    read_launcher(path, &launcher)) {
			on_launcher(arg, name, &launcher);
			launcher_release(&launcher);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int launcher_write(const char *path, const struct launcher *launcher)
{
	char *name = shell_quote(launcher->name), *real = shell_quote(launcher->real);
	char *program = shell_quote(program_path());
	char *text = text_format(
		FIRST_LINE MARK
		": do not edit it; tagalong unwrap removes it.\n"
		"# It starts the program of this name in PATH, or the file that is named here." NAME_LINE
		"%s" REAL_LINE "%s\ntw_tagalong=%s\n%s" RUN_LINE "%s" RUN_END,
		name, real, program, body, launcher->options);
	struct stat status;
	/* A symbolic link to a launcher is somebody's own. */
	bool ours = !lstat(path, &status) && S_ISREG(status.st_mode) && launcher_is(path);
	int result = file_write(path, text_of(text), 0755, ours ? FILE_REPLACE : FILE_NEW);

	free(text);
	free(name);
	free(real);
	free(program);
	return result;
}

bool launcher_real(const struct launcher *launcher, char *ret_path, size_t size)
{
	if (launcher->real[0] && program_find(launcher->real, NULL, ret_path, size))
		return true;
	return program_find(launcher->name, launcher_is, ret_path, size);
}
