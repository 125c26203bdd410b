-- SPDX-License-Identifier: MIT
for n = 1, 3 do
  io.stdout:write(vim.fn.system({ "curl", "-sS", vim.env.CHAT_URL, "-d", "@" .. n .. ".json" }))
end
vim.cmd("qa!")
