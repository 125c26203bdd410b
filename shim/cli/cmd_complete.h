/* SPDX-License-Identifier: MIT */
/* What may stand at the end of an unfinished call, for the shells' completions. */
#ifndef TAGALONG_CLI_CMD_COMPLETE_H
#define TAGALONG_CLI_CMD_COMPLETE_H

/*
 * `words` are those behind "tagalong", the unfinished one last. Prints a candidate a line, with a TAB
 * and what it is where there is something to say. Lines with a colon in front are for the shell:
 * ":file", ":folder" and ":command N", when the words from N on (the first is 0) are a command line of
 * another program's. Says nothing of what is wrong, and ends within a second. EXIT_OK.
 */
int complete(int count, char **words);

#endif
