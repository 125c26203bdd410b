// SPDX-License-Identifier: MIT
/* The command `tagalong`: run and context, which are called often, need libc alone and are here.
 * For all others it becomes tagalong-tools, which is linked with many libraries. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/launch.h"

int main(int argc, char **argv)
{
	char path[PATH_MAX] = "";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	set_program_path(len > 0 ? path : "");
	if (argc > 1 && !strcmp(argv[1], "run"))
		return command_run.run(&command_run, argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "context"))
		return command_context.run(&command_context, argc - 1, argv + 1);
	exec_tools(argv);
}
