-- Drives Neovim through ten drafts, each in a prompt file of its own, and writes what was seen as JSON.

local PATIENCE = 330000 -- Milliseconds.
local KEYSTROKE = 15
local drafts = vim.json.decode(table.concat(vim.fn.readfile("drafts.json"), "\n"))
local report = { version = tostring(vim.version()), drafts = {} }
local messages, progress, on_request_only = {}, {}, false

vim.lsp.handlers["window/showMessage"] = function(_, result)
  table.insert(messages, result.message)
  on_request_only = on_request_only or result.message:find("asked on request only", 1, true) ~= nil
end
vim.api.nvim_create_autocmd("LspProgress", {
  callback = function(event)
    table.insert(progress, event.data.params.value.message)
  end,
})

-- Looks twice a second: vim.wait alone looks at every event, and to look is to ask the server.
local function wait(what, holds)
  local until_then = vim.uv.now() + PATIENCE
  while not holds() do
    if vim.uv.now() > until_then then
      error("waited in vain for " .. what)
    end
    vim.wait(500)
  end
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n")
end

local function hover()
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(),
    position = { line = 0, character = 0 },
  }
  for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/hover", params, PATIENCE) or {}) do
    return answer.result and answer.result.contents.value or ""
  end
  return ""
end

local function findings()
  return vim.tbl_map(function(found) return found.code .. ": " .. found.message end, vim.diagnostic.get(0))
end

local function act(title)
  vim.lsp.buf.code_action({
    filter = function(action) return action.title:find(title, 1, true) ~= nil end,
    apply = true,
  })
end

local function write(draft)
  for row, line in ipairs(vim.split(draft, "\n")) do
    if row > 1 then
      vim.api.nvim_buf_set_lines(0, row - 1, row - 1, true, { "" })
    end
    for column = 1, #line do
      vim.api.nvim_buf_set_text(0, row - 1, column - 1, row - 1, column - 1, { line:sub(column, column) })
      vim.wait(KEYSTROKE)
    end
  end
end

local function answered_by_model()
  return hover():find("Answered by instant in", 1, true) == nil
end

-- A message that says when the model is asked is about its state; any other says that a call failed.
local function failed(first)
  return vim.iter(messages):skip(first):any(function(message) return not message:lower():find("asked ", 1, true) end)
end

local function visit(number, draft)
  messages, progress = {}, {}
  vim.cmd("edit draft" .. number .. ".prompt.md")
  wait("the server", function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 end)
  write(draft)
  local rested, told = vim.uv.hrtime(), #messages
  vim.bo.undolevels = vim.bo.undolevels -- What was typed is one step of undo, the rewrite another.
  local function since() return (vim.uv.hrtime() - rested) / 1e9 end
  local seen = { draft = draft, on_request = on_request_only }
  seen.instant_hover = hover()
  seen.instant_seconds = since()
  vim.wait(650) -- Findings show when typing has rested for half a second.
  seen.instant_findings = findings()

  local asked = since()
  if on_request_only then
    act("Ask the model for a rewrite")
  end
  wait("the model", function() return text() ~= draft or failed(told) or answered_by_model() end)
  seen.model_seconds = since() - (on_request_only and asked or 0)
  if text() == draft then
    act("Apply rewrite")
    vim.wait(1500, function() return text() ~= draft end, 20)
  end
  seen.rewritten = text()
  if text() ~= draft then
    vim.cmd("undo")
    wait("the undo", function() return text() == draft end)
  end
  vim.wait(650)
  seen.hover, seen.findings, seen.messages = hover(), findings(), messages
  seen.progress = progress[#progress]
  table.insert(report.drafts, seen)
end

local went_well, problem = pcall(function()
  for number, draft in ipairs(drafts) do
    visit(number, draft)
  end
end)
vim.fn.writefile({ vim.json.encode(report) }, "report.json")
if went_well then
  vim.cmd("qall!")
else
  io.stderr:write(tostring(problem) .. "\n" .. vim.fn.execute("messages") .. "\n")
  vim.cmd("cquit 1")
end
