-- Drives Neovim through one visit to a prompt file and reports what was seen as JSON.

local function wait(what, holds)
  if not vim.wait(60000, holds, 20) then
    error("waited in vain for " .. what)
  end
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n") .. "\n"
end

local function visit()
  local report = { findings = {} }
  wait("findings", function() return #vim.diagnostic.get(0) > 0 end)
  for _, found in ipairs(vim.diagnostic.get(0)) do
    local words = vim.api.nvim_buf_get_text(0, found.lnum, found.col, found.end_lnum, found.end_col, {})
    table.insert(report.findings, { code = found.code, words = table.concat(words, "\n") })
  end

  local before = text()
  local is_rewrite = function(action) return action.title:lower():find("apply rewrite", 1, true) ~= nil end
  vim.lsp.buf.code_action({ filter = is_rewrite, apply = true })
  wait("the rewrite", function() return text() ~= before end)
  report.rewritten = text()
  vim.cmd("undo")
  report.undone = text()

  vim.fn.writefile({ vim.json.encode(report) }, vim.env.DEVROUTER_TEST_REPORT)
end

local went_well, problem = pcall(visit)
if went_well then
  vim.cmd("qall!")
else
  io.stderr:write(tostring(problem) .. "\n" .. vim.fn.execute("messages") .. "\n")
  vim.cmd("cquit 1")
end
