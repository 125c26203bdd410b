// SPDX-License-Identifier: MIT
/* The service: one loop, in turns. A turn takes what has arrived, then commits all changes to the
 * store together, shows them on the shared pages, then sends the replies. So nothing is answered
 * that a restart would not remember, and no page is behind an answer. */
#include "daemon/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/clock.h"
#include "daemon/connection.h"
#include "daemon/pid_watch.h"
#include "daemon/daemon_limits.h"
#include "daemon/listener.h"
#include "daemon/notice.h"
#include "daemon/process.h"

static const int end_signals[] = { SIGTERM, SIGINT, SIGHUP };
#define END_SIGNALS (sizeof(end_signals) / sizeof(end_signals[0]))

enum { ACCEPTABLE, ACCEPT_PAUSE, STORE_RETRY, SWEEP, IDLE, FIRST_SIGNAL };
#define EVENTS (FIRST_SIGNAL + END_SIGNALS)

struct service {
	const struct service_options *options;
	struct listener listener;
	struct event_base *base;
	struct event *event[EVENTS];
	struct state state;
	struct pid_watch pid_watch;
	struct pages pages;
	struct connections connections;
	bool stopping;
};

static int on_open(void *arg, struct scope *scope)
{
	struct service *service = arg;

	return pid_watch_add(&service->pid_watch, scope);
}

static void on_end(void *arg, struct scope *scope)
{
	struct service *service = arg;

	pid_watch_remove(&service->pid_watch, scope);
	pages_scope_ends(&service->pages, scope);
	connections_scope_ends(&service->connections, scope);
	service->connections.last_ms = clock_monotonic_ms();
}

static void add_timer(struct event *event, uint64_t ms)
{
	const struct timeval interval = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	event_add(event, &interval);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct service *service = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (peer >= 0) {
		connections_accept(&service->connections, peer);
		return;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	/* The connection stays in the queue and would wake the loop at once again. */
	notice_warning("cannot accept a connection: %s", strerror(errno));
	event_del(service->event[ACCEPTABLE]);
	add_timer(service->event[ACCEPT_PAUSE], ACCEPT_PAUSE_MS);
}

static void on_accept_pause(evutil_socket_t fd, short what, void *arg)
{
	struct service *service = arg;

	event_add(service->event[ACCEPTABLE], NULL);
}

/* The turn's end does it. */
static void on_store_retry(evutil_socket_t fd, short what, void *arg)
{
}

static void on_reply(void *arg, void *connection, const struct buf *reply,
		     const struct answer *answer)
{
	struct service *service = arg;

	connections_reply(&service->connections, connection, reply, answer);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct service *service = arg;

	state_sweep(&service->state);
	if (service->state.shared)
		add_timer(service->event[SWEEP], EXPIRY_SWEEP_MS);
}

static void stop(struct service *service, const char *why)
{
	service->stopping = true;
	notice_event("stop", { "why", text_of(why) });
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	stop(arg, strsignal((int)number));
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct service *service = arg;
	const struct connections *connections = &service->connections;
	uint64_t limit_ms = (uint64_t)service->options->idle_exit_seconds * 1000;
	uint64_t idle_ms = clock_monotonic_ms() - connections->last_ms;

	if (connections->count ||
	    (service->state.shared ? service->state.scopes.processes : service->state.scopes.count))
		add_timer(service->event[IDLE], limit_ms);
	else if (idle_ms < limit_ms)
		add_timer(service->event[IDLE], limit_ms - idle_ms);
	else
		stop(service, "idle");
}

/* Whether the next turn is to begin even if nothing happens. */
static bool end_turn(struct service *service)
{
	bool again;

	state_commit(&service->state);
	pages_update(&service->pages, &service->state.scopes);
	again = connections_flush(&service->connections);
	if ((service->state.shared || service->state.next_expiry_ms) &&
	    !event_pending(service->event[SWEEP], EV_TIMEOUT, NULL))
		add_timer(service->event[SWEEP], EXPIRY_SWEEP_MS);
	if (store_wants_retry(service->state.store) &&
	    !event_pending(service->event[STORE_RETRY], EV_TIMEOUT, NULL))
		add_timer(service->event[STORE_RETRY], STORE_RETRY_MS);
	return again;
}

static int add_events(struct service *service)
{
	struct event_base *base = service->base;
	struct event **event = service->event;

	event[ACCEPTABLE] = event_new(base, service->listener.fd, EV_READ | EV_PERSIST,
				      on_acceptable, service);
	event[ACCEPT_PAUSE] = evtimer_new(base, on_accept_pause, service);
	event[STORE_RETRY] = evtimer_new(base, on_store_retry, service);
	event[SWEEP] = evtimer_new(base, on_sweep, service);
	event[IDLE] = evtimer_new(base, on_idle, service);
	for (size_t i = 0; i < FIRST_SIGNAL; i++) {
		if (!event[i])
			return -ENOMEM;
	}
	if (event_add(event[ACCEPTABLE], NULL))
		return -ENOMEM;
	if (service->options->idle_exit_seconds)
		add_timer(event[IDLE], (uint64_t)service->options->idle_exit_seconds * 1000);
	return 0;
}

static void serve(struct service *service)
{
	bool again = end_turn(service); /* the state file, as it was read */

	listener_notify("READY=1");
	notice_event("start", { "socket", text_of(service->listener.path) });
	while (!service->stopping) {
		if (event_base_loop(service->base, again ? EVLOOP_NONBLOCK : EVLOOP_ONCE) < 0)
			break;
		again = end_turn(service);
	}
	listener_notify("STOPPING=1");
}

/* With the socket at hand. */
static int serve_socket(struct service *service)
{
	struct scope *scope;
	int result;

	if (!process_proc_is_ours())
		notice_warning("/proc is not this process's own (a pid namespace without one?): "
			       "only named scopes and the default one are served");
	result = pid_watch_init(&service->pid_watch, service->base, &service->state);
	if (result)
		goto out;
	/* After the pid watch, which has raised the limit of descriptors. */
	pages_init(&service->pages, !service->options->no_pages, service->listener.path);
	/* Before the state, which ends scopes whose processes are gone: watchers are informed. */
	connections_init(&service->connections, &service->state, service->base);
	result = state_start(&service->state, service->options->store_url, service->base);
	if (result) {
		pages_release(&service->pages);
		goto out;
	}
	result = add_events(service);
	if (!result)
		serve(service);
	connections_release(&service->connections);
	TAILQ_FOREACH(scope, &service->state.scopes.order, order)
		pid_watch_remove(&service->pid_watch, scope);
	pages_release(&service->pages); /* before the scopes, each of which knows its page */
	state_stop(&service->state);
out:
	pid_watch_release(&service->pid_watch);
	if (result && result != -EPROTONOSUPPORT) /* reported by state_start */
		notice_warning("%s", strerror(-result));
	return result;
}

int service_run(const struct service_options *options)
{
	struct service *service = calloc(1, sizeof(*service));
	int result;

	if (!service)
		return -ENOMEM;
	service->options = options;
	service->base = event_base_new();
	service->state = (struct state){
		.processes = { process_lookup, NULL, process_shares_pids },
		.pages = &service->pages,
		.on_open = on_open,
		.on_end = on_end,
		.on_reply = on_reply,
		.arg = service,
	};
	notice_init(options->verbose, options->json);
	/* A file at its limit of size and a reader that left are answers of write(2), not reasons
	 * to die. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	/* Before there is a socket that a signal could leave behind; they take effect in the loop. */
	result = service->base ? 0 : -ENOMEM;
	for (size_t i = 0; !result && i < END_SIGNALS; i++) {
		struct event *event = evsignal_new(service->base, end_signals[i], on_signal,
						   service);

		service->event[FIRST_SIGNAL + i] = event;
		if (!event || event_add(event, NULL))
			result = -ENOMEM;
	}
	if (!result)
		result = listener_open(options->socket_path, &service->listener);
	if (!result) {
		result = serve_socket(service);
		listener_close(&service->listener);
	}
	for (size_t i = 0; i < EVENTS; i++) {
		if (service->event[i])
			event_free(service->event[i]);
	}
	if (service->base)
		event_base_free(service->base);
	free(service);
	return result;
}
