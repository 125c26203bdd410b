# SPDX-License-Identifier: MIT
# Typhoeus, and its pool of handles: see pycurl_easy.py.
require 'typhoeus'

$stdout.sync = true
headers = { 'Authorization' => 'Bearer sk-test', 'Content-Type' => 'application/json' }
$stdin.each_line do |line|
  puts Typhoeus.post(ARGV[0], body: line.strip, headers: headers).code
end
