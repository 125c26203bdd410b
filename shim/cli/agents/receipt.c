// SPDX-License-Identifier: MIT
/* What is remembered of the agents: what an install wrote, and when one was seen working. */
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
#include "cli/file.h"

/* NAME.json or NAME.seen in the folder "agents" of the state. */
static bool place(struct buf *path, const char *name, const char *kind)
{
	if (!folder_of_state(path))
		return false;
	buf_add(path, TEXT("/agents"));
	folder_make(path->data);
	buf_char(path, '/');
	buf_add(path, text_of(name));
	buf_add(path, text_of(kind));
	return !path->full;
}

static char *string_of(const cJSON *root, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(root, name));

	return text ? strdup(text) : NULL;
}

int agent_record_read(const struct agent *agent, struct agent_record *ret_record)
{
	char memory[PATH_BYTES_MAX], *bytes;
	struct buf path;
	cJSON *root;
	size_t len;
	int result;

	buf_init(&path, memory, sizeof(memory));
	if (!place(&path, agent->name, ".json"))
		return -ENOENT;
	result = file_load(path.data, &bytes, &len);
	if (result)
		return result;
	root = cJSON_ParseWithLength(bytes, len);
	free(bytes);
	ret_record->file = string_of(root, "file");
	ret_record->text = string_of(root, "text");
	ret_record->created = cJSON_IsTrue(cJSON_GetObjectItem(root, "created"));
	cJSON_Delete(root);
	if (ret_record->file && ret_record->text)
		return 0;
	agent_record_release(ret_record);
	return -EBADMSG;
}

int agent_record_write(const struct agent *agent, const struct agent_record *record)
{
	cJSON *root = cJSON_CreateObject();
	char memory[PATH_BYTES_MAX], *text;
	int result = -ENOMEM;
	struct buf path;

	cJSON_AddStringToObject(root, "file", record->file);
	cJSON_AddStringToObject(root, "text", record->text);
	cJSON_AddBoolToObject(root, "created", record->created);
	text = cJSON_Print(root);
	cJSON_Delete(root);
	buf_init(&path, memory, sizeof(memory));
	if (text)
		result = place(&path, agent->name, ".json") ?
				 file_replace(path.data, text_of(text)) : -ENOENT;
	cJSON_free(text);
	return result;
}

void agent_record_remove(const struct agent *agent)
{
	char memory[PATH_BYTES_MAX];
	struct buf path;

	buf_init(&path, memory, sizeof(memory));
	if (place(&path, agent->name, ".json"))
		unlink(path.data);
}

void agent_record_release(struct agent_record *record)
{
	free(record->file);
	free(record->text);
}

void agents_note_seen(const char *name)
{
	const struct agent *agent = agent_find(name);
	char memory[PATH_BYTES_MAX];
	struct buf path;
	int fd;

	buf_init(&path, memory, sizeof(memory));
	if (!agent || !place(&path, agent->name, ".seen"))
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
	if (!place(&path, agent->name, ".seen") || stat(path.data, &status) < 0)
		return 0;
	return status.st_mtime;
}
