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

static bool receipt_path(struct buf *path, const char *name, const char *kind)
{
	if (!folder_of_state(path))
		return false;
	buf_add(path, TEXT("/agents"));
	folder_make(path->data, 0700);
	buf_char(path, '/');
	buf_add(path, text_of(name));
	buf_add(path, text_of(kind));
	return !path->full;
}

static char *member_copy(const cJSON *root, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(root, name));

	return text ? strdup(text) : NULL;
}

int receipt_read(const struct agent *agent, struct receipt *ret_receipt)
{
	char memory[PATH_BYTES_MAX], *bytes;
	struct buf path;
	cJSON *root;
	size_t len;
	int result;

	buf_init(&path, memory, sizeof(memory));
	if (!receipt_path(&path, agent->name, ".json"))
		return -ENOENT;
	result = file_load(path.data, &bytes, &len);
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
	char memory[PATH_BYTES_MAX], *text;
	int result = -ENOMEM;
	struct buf path;

	cJSON_AddStringToObject(root, "file", receipt->file);
	cJSON_AddStringToObject(root, "text", receipt->text);
	cJSON_AddBoolToObject(root, "created", receipt->created);
	text = cJSON_Print(root);
	cJSON_Delete(root);
	buf_init(&path, memory, sizeof(memory));
	if (text)
		result = receipt_path(&path, agent->name, ".json") ?
				 file_write(path.data, text_of(text), 0600, FILE_REPLACE) :
				 -ENOENT;
	cJSON_free(text);
	return result;
}

void receipt_remove(const struct agent *agent)
{
	char memory[PATH_BYTES_MAX];
	struct buf path;

	buf_init(&path, memory, sizeof(memory));
	if (receipt_path(&path, agent->name, ".json"))
		unlink(path.data);
}

void receipt_release(struct receipt *receipt)
{
	free(receipt->file);
	free(receipt->text);
}

void agents_note_seen(const char *name)
{
	const struct agent *agent = agent_find(name);
	char memory[PATH_BYTES_MAX];
	struct buf path;
	int fd;

	buf_init(&path, memory, sizeof(memory));
	if (!agent || !receipt_path(&path, agent->name, ".seen"))
		return;
	fd = fd_open(AT_FDCWD, path.data, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
	if (fd >= 0)
		futimens(fd, NULL);
	fd_close(fd);
}

time_t agent_seen(const struct agent *agent)
{
	char memory[PATH_BYTES_MAX];
	struct stat status;
	struct buf path;

	buf_init(&path, memory, sizeof(memory));
	if (!receipt_path(&path, agent->name, ".seen") || stat(path.data, &status) < 0)
		return 0;
	return status.st_mtime;
}
