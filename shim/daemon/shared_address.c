// SPDX-License-Identifier: MIT
/* The shared store's URL, parsed, and what is made by it: TLS contexts, streams, readers. */
#include "daemon/shared_address.h"

#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/notice.h"
#include "lib/buf.h"

static char *decoded(const char *text, size_t len)
{
	char *copy = strndup(text, len), *plain = copy ? evhttp_uridecode(copy, 0, NULL) : NULL;

	free(copy);
	return plain;
}

static bool load_tls(struct shared_address *address, const char *ca, const char *certificate,
		     const char *key)
{
	address->tls = SSL_CTX_new(TLS_client_method());
	if (!address->tls)
		return false;
	SSL_CTX_set_verify(address->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(address->tls, TLS1_2_VERSION);
	if (ca ? SSL_CTX_load_verify_locations(address->tls, ca, NULL) != 1 :
		 SSL_CTX_set_default_verify_paths(address->tls) != 1) {
		notice_warning("store: cannot load the CA certificates of cacert=");
		return false;
	}
	if (!certificate)
		return true;
	if (SSL_CTX_use_certificate_chain_file(address->tls, certificate) == 1 &&
	    SSL_CTX_use_PrivateKey_file(address->tls, key ? key : certificate, SSL_FILETYPE_PEM) ==
		    1)
		return true;
	notice_warning("store: cannot load the client certificate of cert= and key=");
	return false;
}

static const char *parse_url(struct shared_address *address, const struct evhttp_uri *uri,
			     struct evkeyvalq *query)
{
	static const char *const options[] = { "prefix", "cacert", "cert", "key" };
	bool is_tls = !strcmp(evhttp_uri_get_scheme(uri), "rediss");
	const char *user = evhttp_uri_get_userinfo(uri), *host = evhttp_uri_get_host(uri);
	const char *path = evhttp_uri_get_path(uri), *prefix;
	struct evkeyval *pair;
	unsigned long number = 0;
	struct buf text;
	size_t len;

	if (!host || !host[0])
		return "it names no host";
	len = strlen(host);
	address->host = host[0] == '[' && len > 2 ? strndup(host + 1, len - 2) : strdup(host);
	address->port = evhttp_uri_get_port(uri) > 0 ? evhttp_uri_get_port(uri) : 6379;
	if (user && user[0]) {
		const char *colon = strchr(user, ':');

		address->user = colon == user ? NULL :
						decoded(user, colon ? (size_t)(colon - user) :
								      strlen(user));
		address->password = colon ? decoded(colon + 1, strlen(colon + 1)) : NULL;
		if (!colon)
			return "it has a user without a password";
	}
	if (path && path[0] && path[1] &&
	    (path[0] != '/' || !text_number(text_of(path + 1), 65535, &number)))
		return "its path is not the number of a database";
	address->database = (int)number;
	if (evhttp_uri_get_query(uri) && evhttp_parse_query_str(evhttp_uri_get_query(uri), query))
		return "its query cannot be read";
	TAILQ_FOREACH(pair, query, next) {
		size_t i = 0;

		while (i < sizeof(options) / sizeof(options[0]) && strcmp(pair->key, options[i]))
			i++;
		if (i == sizeof(options) / sizeof(options[0]))
			return "its query may only have prefix, cacert, cert and key";
		if (i && !is_tls)
			return "certificates are for rediss://";
	}
	prefix = evhttp_find_header(query, "prefix");
	if (prefix && strlen(prefix) >= sizeof(address->prefix))
		return "its prefix is too long";
	snprintf(address->prefix, sizeof(address->prefix), "%s", prefix ? prefix : "tagalong:");
	buf_init(&text, address->text, sizeof(address->text));
	buf_add(&text, text_of(host));
	buf_char(&text, ':');
	buf_number(&text, (uint64_t)address->port);
	buf_char(&text, '/');
	buf_number(&text, number);
	if (text.full || !address->host)
		return "its host is too long";
	if (is_tls &&
	    !load_tls(address, evhttp_find_header(query, "cacert"),
		      evhttp_find_header(query, "cert"), evhttp_find_header(query, "key")))
		return "TLS cannot be set up";
	return NULL;
}

const char *shared_address_parse(const char *url, struct shared_address *ret_address)
{
	struct evhttp_uri *uri = evhttp_uri_parse(url);
	struct evkeyvalq query = { 0 };
	const char *fault;

	*ret_address = (struct shared_address){ 0 };
	if (!uri)
		return "it cannot be read";
	TAILQ_INIT(&query);
	fault = parse_url(ret_address, uri, &query);
	evhttp_clear_headers(&query);
	evhttp_uri_free(uri);
	return fault;
}

void shared_address_release(struct shared_address *address)
{
	SSL_CTX_free(address->tls);
	free(address->host);
	free(address->user);
	free(address->password);
}

struct bufferevent *shared_address_stream(const struct shared_address *address,
					  struct event_base *base)
{
	struct in6_addr number;
	SSL *ssl;

	if (!address->tls)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(address->tls);
	if (!ssl)
		return NULL;
	if (inet_pton(AF_INET, address->host, &number) == 1 ||
	    inet_pton(AF_INET6, address->host, &number) == 1) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address->host);
	} else {
		SSL_set1_host(ssl, address->host);
		SSL_set_tlsext_host_name(ssl, address->host);
	}
	return bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
					      BEV_OPT_CLOSE_ON_FREE);
}
