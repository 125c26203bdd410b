# SPDX-License-Identifier: MIT
require 'curb'
(1..3).each { |n| print Curl.post(ARGV[0], File.read("#{n}.json")).body_str }
