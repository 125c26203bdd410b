// SPDX-License-Identifier: MIT
/*
 * Writing launchers, and knowing them again. A launcher looks for its program when it is started, so
 * an upgrade that moves it does not matter; it passes over every launcher, so two do not start each
 * other; and without tagalong it starts the program as it is.
 */
#include "cli/wrap/launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/text.h"
#include "cli/program.h"
#include "cli/wrap/own_file.h"

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
	"\t{ read -r tw_line && [ \"$tw_line\" = '#!/bin/sh' ] && read -r tw_line; } 2>/dev/null <\"$1\"\n"
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
	"\tprintf '%s: there is no such program behind this launcher\\n' \"$tw_name\" >&2\n"
	"\texit 127\n"
	"fi\n"
	"[ -x \"$tw_tagalong\" ] || tw_tagalong=$(command -v tagalong) || exec \"$tw_real\" \"$@\"";

char *shell_quote(const char *text)
{
	char *quoted = malloc(strlen(text) * 4 + 3), *end = quoted;

	if (!quoted)
		return NULL;
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

/* Takes a quoted word back. */
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

static bool is_launcher_text(const char *text)
{
	return text_starts_with(text_of(text), TEXT(FIRST_LINE MARK));
}

bool launcher_is(const char *path)
{
	char *text = own_file_read(path);
	bool is = text && is_launcher_text(text);

	free(text);
	return is;
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

bool launcher_read(const char *path, struct launcher *ret_launcher)
{
	char *text = own_file_read(path);
	struct text options;

	if (!text || !is_launcher_text(text)) {
		free(text);
		return false;
	}
	unquote(line_after(text, NAME_LINE), ret_launcher->name, sizeof(ret_launcher->name));
	unquote(line_after(text, REAL_LINE), ret_launcher->real, sizeof(ret_launcher->real));
	options = line_after(text, RUN_LINE);
	if (text_ends_with(options, (struct text){ RUN_END, sizeof(RUN_END) - 2 }))
		options.len -= sizeof(RUN_END) - 2;
	ret_launcher->options = strndup(options.ptr, options.len);
	free(text);
	return true;
}

void launcher_release(struct launcher *launcher)
{
	free(launcher->options);
	launcher->options = NULL;
}

static char *compose(const struct launcher *launcher, const char *tagalong)
{
	char *name = shell_quote(launcher->name), *real = shell_quote(launcher->real);
	char *program = shell_quote(tagalong), *text = NULL;

	if (name && real && program && launcher->options &&
	    asprintf(&text,
		     FIRST_LINE MARK ": do not edit it; tagalong unwrap takes it back.\n"
		     "# It starts the program of this name in PATH, or the file that is named here."
		     NAME_LINE "%s" REAL_LINE "%s\ntw_tagalong=%s\n%s" RUN_LINE "%s" RUN_END,
		     name, real, program, body, launcher->options) < 0)
		text = NULL;
	free(name);
	free(real);
	free(program);
	return text;
}

int launcher_write(const char *path, const struct launcher *launcher, const char *tagalong)
{
	char *text = compose(launcher, tagalong);
	struct stat status;
	int result;

	if (!text)
		return -ENOMEM;
	/* A link to a launcher is somebody's own. */
	result = own_file_write(path, 0755, text, !lstat(path, &status) &&
				S_ISREG(status.st_mode) && launcher_is(path));
	free(text);
	return result;
}

bool launcher_real(const struct launcher *launcher, char *ret_path, size_t size)
{
	if (launcher->real[0] && program_find(launcher->real, NULL, ret_path, size))
		return true;
	return program_find(launcher->name, launcher_is, ret_path, size);
}
