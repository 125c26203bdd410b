# SPDX-License-Identifier: MIT
require 'typhoeus'
(1..3).each { |n| print Typhoeus.post(ARGV[0], body: File.read("#{n}.json")).body }
