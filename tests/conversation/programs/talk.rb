# SPDX-License-Identifier: MIT
require 'json'
require 'typhoeus'
JSON.parse(STDIN.read).each do |messages|
  said = messages.map { |message| { role: message['role'], content: message['text'] } }
  said.unshift({ role: 'system', content: "It is #{Time.now}." })
  Typhoeus.post(ARGV[0], body: JSON.generate({ model: 'm', messages: said }))
end
