#!/bin/sh
# SPDX-License-Identifier: MIT
# php_fpm.sh URL: php-fpm behind nginx, as a web shop runs it. Two visits to a page; for each, the
# worker sends the five requests of php_exec.php to URL.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$PWD/fpm
rm -rf "$work"
mkdir "$work"

cat >"$work/fpm.conf" <<EOF
[global]
daemonize = no
error_log = $work/fpm.log
[www]
listen = $work/fpm.sock
pm = static
pm.max_children = 1
clear_env = no
EOF
cat >"$work/page.php" <<EOF
<?php
\$argv = ['', '$1'];
require '$here/php_exec.php';
EOF
# Without a main process, as tests/relay/front.py has it: it stays our own user's.
cat >"$work/nginx.conf" <<EOF
daemon off;
master_process off;
pid $work/nginx.pid;
events { }
http {
	access_log off;
	client_body_temp_path $work/body;
	proxy_temp_path $work/proxy;
	fastcgi_temp_path $work/fastcgi;
	uwsgi_temp_path $work/uwsgi;
	scgi_temp_path $work/scgi;
	server {
		listen unix:$work/nginx.sock;
		location / {
			fastcgi_pass unix:$work/fpm.sock;
			fastcgi_param REQUEST_METHOD \$request_method;
			fastcgi_param SCRIPT_FILENAME $work/page.php;
		}
	}
}
EOF

root=
[ "$(id -u)" -ne 0 ] || root=--allow-to-run-as-root
PATH=$PATH:/usr/sbin
[ -n "$root" ] && printf 'user = root\ngroup = root\n' >>"$work/fpm.conf"
"php-fpm$(php -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')" ${root:+-R} -y "$work/fpm.conf" &
fpm=$!
# Without -e, which nginx before 1.19.5 has not (tests/relay/nginx.py).
nginx -p "$work" -c "$work/nginx.conf" -g 'error_log stderr;' 2>"$work/error.log" &
nginx=$!
trap 'kill "$fpm" "$nginx" 2>/dev/null; wait' EXIT

tries=0
while [ ! -S "$work/fpm.sock" ] || [ ! -S "$work/nginx.sock" ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 200 ] || { cat "$work"/*.log >&2; exit 1; }
	sleep 0.05
done
for visit in 1 2; do
	echo "visit $visit"
	curl -sS --unix-socket "$work/nginx.sock" http://shop.example/
done
