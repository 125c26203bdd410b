// SPDX-License-Identifier: MIT
/*
 * A libcurl without a network, for machines that there is none for here. It has the functions of
 * shim/preload/hooks.def, and a transfer is: call the PREREQ callback, then hand what would have
 * been sent, and the options that tell how arguments arrive, to the write callback.
 *
 * Arguments are pulled as libcurl pulls them, by the option's type band: a long, a pointer, a
 * function, or 64 bits, which are two slots on a 32-bit machine.
 */
#define CURL_DISABLE_TYPECHECK
#define curl_url_get curl_url_get_of_the_header /* its first argument is const in newer ones */
#include <curl/curl.h>
#undef curl_url_get
#undef curl_easy_setopt
#undef curl_easy_getinfo
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct easy {
	const char *url;
	const char *agent;
	const struct curl_slist *headers;
	curl_write_callback write;
	void *write_data;
	curl_prereq_callback prereq;
	void *prereq_data;
	long post;
	long timeout_ms;
	curl_off_t file_bytes;
	char other[128]; /* options that it does not know, and their arguments */
};

CURL *curl_easy_init(void)
{
	return calloc(1, sizeof(struct easy));
}

CURL *curl_easy_duphandle(CURL *from)
{
	CURL *copy = curl_easy_init();

	return copy ? memcpy(copy, from, sizeof(struct easy)) : NULL;
}

void curl_easy_reset(CURL *easy)
{
	memset(easy, 0, sizeof(struct easy));
}

void curl_easy_cleanup(CURL *easy)
{
	free(easy);
}

CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...)
{
	struct easy *easy = handle;
	CURLcode code = CURLE_OK;
	size_t len = strlen(easy->other);
	va_list list;

	va_start(list, option);
	switch ((int)option) {
	case CURLOPT_URL: easy->url = va_arg(list, const char *); break;
	case CURLOPT_USERAGENT: easy->agent = va_arg(list, const char *); break;
	case CURLOPT_HTTPHEADER: easy->headers = va_arg(list, const struct curl_slist *); break;
	case CURLOPT_WRITEFUNCTION: easy->write = va_arg(list, curl_write_callback); break;
	case CURLOPT_WRITEDATA: easy->write_data = va_arg(list, void *); break;
	case CURLOPT_PREREQFUNCTION: easy->prereq = va_arg(list, curl_prereq_callback); break;
	case CURLOPT_PREREQDATA: easy->prereq_data = va_arg(list, void *); break;
	case CURLOPT_POST: easy->post = va_arg(list, long); break;
	case CURLOPT_TIMEOUT_MS: easy->timeout_ms = va_arg(list, long); break;
	case CURLOPT_INFILESIZE_LARGE: easy->file_bytes = va_arg(list, curl_off_t); break;
	default:
		snprintf(easy->other + len, sizeof(easy->other) - len, "%d %ld\n", (int)option,
			 va_arg(list, long));
		code = CURLE_UNKNOWN_OPTION;
	}
	va_end(list);
	return code;
}

static char here[] = "127.0.0.1";

CURLcode curl_easy_getinfo(CURL *handle, CURLINFO info, ...)
{
	const struct easy *easy = handle;
	const char **ret_text;
	va_list list;

	va_start(list, info);
	ret_text = va_arg(list, const char **);
	va_end(list);
	if (info == CURLINFO_EFFECTIVE_URL)
		*ret_text = easy->url ? easy->url : "";
	else if (info == CURLINFO_EFFECTIVE_METHOD)
		*ret_text = easy->post ? "POST" : "GET";
	else if (info == CURLINFO_PRIMARY_IP)
		*ret_text = here;
	else
		return CURLE_UNKNOWN_OPTION;
	return CURLE_OK;
}

static void send_line(const struct easy *easy, const char *format, ...)
{
	char line[512];
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	easy->write(line, 1, (size_t)len, easy->write_data);
}

CURLcode curl_easy_perform(CURL *handle)
{
	const struct easy *easy = handle;

	if (!easy->url || !easy->write)
		return CURLE_URL_MALFORMAT;
	if (easy->prereq && easy->prereq(easy->prereq_data, here, here, 80, 40000))
		return CURLE_ABORTED_BY_CALLBACK;
	send_line(easy, "%s %s\n", easy->post ? "POST" : "GET", easy->url);
	for (const struct curl_slist *node = easy->headers; node; node = node->next)
		send_line(easy, "%s\n", node->data);
	send_line(easy, "agent %s\n", easy->agent ? easy->agent : "none");
	send_line(easy, "timeout %ld\n", easy->timeout_ms);
	send_line(easy, "file %lld\n", (long long)easy->file_bytes);
	send_line(easy, "%s", easy->other);
	return CURLE_OK;
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	return CURLM_INTERNAL_ERROR;
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
	return CURLM_INTERNAL_ERROR;
}

CURLMcode curl_multi_timeout(CURLM *multi, long *ret_ms)
{
	*ret_ms = -1;
	return CURLM_OK;
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
	return CURLM_INTERNAL_ERROR;
}

/* A URL is SCHEME://HOST[:PORT][/PATH][?QUERY], which is no parser, but enough for the ones used. */
struct Curl_URL {
	char text[512];
};

CURLU *curl_url(void)
{
	return calloc(1, sizeof(CURLU));
}

void curl_url_cleanup(CURLU *url)
{
	free(url);
}

CURLUcode curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags)
{
	if (part != CURLUPART_URL || !strstr(text, "://") || strlen(text) >= sizeof(url->text))
		return CURLUE_MALFORMED_INPUT;
	strcpy(url->text, text);
	return CURLUE_OK;
}

CURLUcode curl_url_get(const CURLU *url, CURLUPart part, char **ret_text, unsigned int flags);
CURLUcode curl_url_get(const CURLU *url, CURLUPart part, char **ret_text, unsigned int flags)
{
	const char *scheme = url->text, *host = strstr(scheme, "://") + 3;
	const char *path = host + strcspn(host, "/?"), *port = memchr(host, ':', (size_t)(path - host));
	int path_len = (int)strcspn(path, "?");
	int wrote = -1;

	*ret_text = NULL;
	if (part == CURLUPART_URL)
		wrote = asprintf(ret_text, "%s", url->text);
	else if (part == CURLUPART_SCHEME)
		wrote = asprintf(ret_text, "%.*s", (int)(host - 3 - scheme), scheme);
	else if (part == CURLUPART_HOST)
		wrote = asprintf(ret_text, "%.*s", (int)((port ? port : path) - host), host);
	else if (part == CURLUPART_PORT && port && port + 1 < path)
		wrote = asprintf(ret_text, "%.*s", (int)(path - port - 1), port + 1);
	else if (part == CURLUPART_PORT)
		wrote = asprintf(ret_text, "%s", strncmp(scheme, "https:", 6) ? "80" : "443");
	else if (part == CURLUPART_PATH)
		wrote = asprintf(ret_text, "%.*s", path_len ? path_len : 1, path_len ? path : "/");
	return wrote < 0 ? CURLUE_UNKNOWN_PART : CURLUE_OK;
}

void curl_free(void *memory)
{
	free(memory);
}

/* What RTLD_NEXT finds when libcurl asks. Nobody after it has curl_easy_init; but a shim that called
 * the real dlsym, instead of jumping to it, would be taken for the one who asks, and find this one. */
void *curl_fake_next(const char *name);
void *curl_fake_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}
