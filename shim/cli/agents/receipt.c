// SPDX-License-Identifier: MIT
/* The state of each agent: what an install wrote (NAME.json), and when it was last seen working
 * (NAME.seen), in the folder "agents" of the state. */
#include "cli/agents/agents.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fdio.h"
#include "core/folder.h"
#include "lib/limits.h"
#include "cli/files.h"

/* Makes the folder, too. NULL when there is none. */
static const char *receipt_path(const struct agent *agent, const char *kind)
{
	static char memory[PATH_BYTES_MAX];
	struct buf path;

	buf_init(&path, memory, sizeof(memory));
	if (!folder_of_state(&path))
		return NULL;
	buf_add(&path, TEXT("/agents"));
	folder_make(path.data, 0700);
	buf_char(&path, '/');
	buf_add(&path, text_of(agent->name));
	buf_add(&path, text_of(kind));
	return path.full ? NULL : memory;
}

static char *member_copy(const cJSON *root, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(root, name));

	return text ? strdup(text) : NULL;
}

int receipt_read(const struct agent *agent, struct receipt *ret_receipt)
{
	const char *path = receipt_path(agent, ".json");
	char *bytes;
	cJSON *root;
	size_t len;
	int result = path ? file_load(path, &bytes, &len) : -ENOENT;

	if (result)
		return result;
	root = cJSON_ParseWithLength(bytes, len);
	free(bytes);
	ret_receipt->file = member_copy(root, "file");
	ret_receipt->text = member_copy(root, "text");
	ret_receipt->created = cJSON_IsTrue(cJSON_GetObjectItem(root, "created"));
	cJSON_Delete(root);
	if (ret_receipt->file && ret_receipt->text)
		return 0;
	receipt_release(ret_receipt);
	return -EBADMSG;
}

int receipt_write(const struct agent *agent, const struct receipt *receipt)
{
	cJSON *root = cJSON_CreateObject();
	const char *path = receipt_path(agent, ".json");
	int result = path ? -ENOMEM : -ENOENT;
	char *text;

	cJSON_AddStringToObject(root, "file", receipt->file);
	cJSON_AddStringToObject(root, "text", receipt->text);
	cJSON_AddBoolToObject(root, "created", receipt->created);
	text = cJSON_Print(root);
	cJSON_Delete(root);
	if (path && text)
		result = file_write(path, text_of(text), 0600, FILE_REPLACE);
	cJSON_free(text);
	return result;
}

void receipt_remove(const struct agent *agent)
{
	const char *path = receipt_path(agent, ".json");

	if (path)
		unlink(path);
}

void receipt_release(struct receipt *receipt)
{
	free(receipt->file);
	free(receipt->text);
}

void agents_note_seen(const char *name)
{
	const struct agent *agent = agent_find(name);
	const char *path = agent ? receipt_path(agent, ".seen") : NULL;
	int fd;

	if (!path)
		return;
	fd = fd_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
	if (fd >= 0)
		futimens(fd, NULL);
	fd_close(fd);
}

time_t agent_seen(const struct agent *agent)
{
	const char *path = receipt_path(agent, ".seen");
	struct stat status;

	return path && !stat(path, &status) ? status.st_mtime : 0;
}
