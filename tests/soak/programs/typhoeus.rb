# SPDX-License-Identifier: MIT
# Typhoeus, and its pool of handles: see pycurl_easy.py.
$VERBOSE = nil # of 150 starts one says that its mime-types know application/netcdf twice
require 'typhoeus'

$stdout.sync = true
headers = { 'Authorization' => 'Bearer sk-test', 'Content-Type' => 'application/json' }
$stdin.each_line do |line|
  puts Typhoeus.post(ARGV[0], body: line.strip, headers: headers).code
end
