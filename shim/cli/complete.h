/* SPDX-License-Identifier: MIT */
/* What may stand at the end of an unfinished call, for the shells' completions. */
#pragma once

#include <stddef.h>

/* `words` are those behind "tagalong", the unfinished one last. Prints one candidate per line, with
 * a TAB and a description where there is one. Lines with a colon in front are for the shell:
 * ":file",
 * ":folder", and ":command N" when the words from N on (the first is 0) are another program's
 * command line. Reports no error, and ends within a second. EXIT_OK. */
int complete(int count, char **words);

/* The words of tagalong log --by, one after the other; NULL behind the last. */
const char *log_by_word(size_t index);
