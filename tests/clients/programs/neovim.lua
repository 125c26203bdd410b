-- SPDX-License-Identifier: MIT
-- Neovim: a plugin that starts curl by jobstart, with its request on the command line.
local command = {
  "curl", "-sS", "--no-buffer", vim.env.CHAT_URL,
  "-H", "Authorization: Bearer sk-test", "-H", "Content-Type: application/json", "-d", "{}",
}
local job = vim.fn.jobstart(command, {
  stdout_buffered = true,
  on_stdout = function(_, lines) io.stdout:write(table.concat(lines, "\n")) end,
})
local codes = vim.fn.jobwait({ job }, 20000)
io.stdout:write(vim.fn.system(command))
os.exit(codes[1])
