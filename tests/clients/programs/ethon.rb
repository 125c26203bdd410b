# SPDX-License-Identifier: MIT
# Ethon, libcurl by Ruby's FFI: an easy handle twice, then three in a multi.
require 'ethon'

def easy(url)
  easy = Ethon::Easy.new
  headers = { 'Authorization' => 'Bearer sk-test', 'Content-Type' => 'application/json' }
  easy.http_request(url, :post, body: '{}', headers: headers)
  easy
end

one = easy(ARGV[0])
2.times do
  one.perform
  puts one.return_code, one.response_body
end

multi = Ethon::Multi.new
three = (1..3).map { |n| easy("#{ARGV[0]}?#{n}") }
three.each { |each| multi.add(each) }
multi.perform
three.each { |each| puts each.response_code, each.response_body }
