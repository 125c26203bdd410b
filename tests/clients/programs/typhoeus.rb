# SPDX-License-Identifier: MIT
# Typhoeus, which keeps a pool of handles and resets each after use: two requests one after the
# other (easy), or four at once (hydra).
$VERBOSE = nil # of 150 starts one says that its mime-types know application/netcdf twice
require 'typhoeus'

def request(n)
  headers = { 'Authorization' => 'Bearer sk-test', 'Content-Type' => 'application/json' }
  Typhoeus::Request.new("#{ARGV[0]}?#{n}", method: :post, body: '{}', headers: headers)
end

if ARGV[1] == 'easy'
  2.times { |n| puts request(n).run.body }
else
  hydra = Typhoeus::Hydra.new(max_concurrency: 2)
  requests = (0..3).map { |n| request(n) }
  requests.each { |each| hydra.queue(each) }
  hydra.run
  requests.each { |each| puts each.response.code, each.response.body }
end
