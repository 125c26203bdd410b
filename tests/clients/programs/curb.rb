# SPDX-License-Identifier: MIT
# curb: a handle twice, its clone, and the class method. All of it runs in a multi handle.
require 'curb'

own = { 'Authorization' => 'Bearer sk-test', 'Content-Type' => 'application/json' }
easy = Curl::Easy.new("#{ARGV[0]}?1")
easy.headers.update(own)
easy.post_body = '{}'
2.times do
  easy.perform
  puts easy.response_code, easy.body_str
end
copy = easy.clone
copy.url = "#{ARGV[0]}?2"
copy.perform
puts copy.response_code, copy.body_str
puts Curl.post("#{ARGV[0]}?3", '{}') { |each| each.headers.update(own) }.body_str
