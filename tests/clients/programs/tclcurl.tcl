# SPDX-License-Identifier: MIT
# TclCurl: one handle, three requests, a new list before the last.
package require TclCurl

set own {{Authorization: Bearer sk-test} {Content-Type: application/json}}
set easy [curl::init]
$easy configure -url [lindex $argv 0] -post 1 -postfields {{}} -httpheader $own -bodyvar answer
$easy perform
puts $answer
$easy perform
puts $answer
$easy configure -httpheader [concat $own {{X-Turn: 3}}]
$easy perform
puts $answer
$easy cleanup
