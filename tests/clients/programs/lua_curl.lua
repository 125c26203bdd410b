-- SPDX-License-Identifier: MIT
-- lua-curl: a handle twice, and an error in a callback, which leaves perform by longjmp.
require "curl"

local own = { "Authorization: Bearer sk-test", "Content-Type: application/json" }

local function easy(on_write)
  local c = curl.easy_init()
  c:setopt(curl.OPT_URL, arg[1])
  c:setopt(curl.OPT_POSTFIELDS, "{}")
  c:setopt(curl.OPT_HTTPHEADER, own)
  c:setopt(curl.OPT_WRITEFUNCTION, on_write)
  return c
end

local c = easy(function(data, size) print(data) return size end)
c:perform()
c:perform()

local thrown = easy(function() error("enough") end)
print(pcall(thrown.perform, thrown))
c:perform()
