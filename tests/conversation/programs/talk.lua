-- SPDX-License-Identifier: MIT
for _, messages in ipairs(vim.json.decode(table.concat(vim.fn.readfile("talks.json"), "\n"))) do
  local said = { { role = "system", content = os.date("It is %c.") } }
  for _, message in ipairs(messages) do
    said[#said + 1] = { role = message.role, content = message.text }
  end
  vim.fn.system({ "curl", "-sS", vim.env.CHAT_URL, "-d", "@-" }, vim.json.encode({ model = "m", messages = said }))
end
vim.cmd("qa!")
