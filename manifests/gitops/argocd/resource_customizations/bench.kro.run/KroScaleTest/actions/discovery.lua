-- Lua cannot tell an empty object from an empty list, so Argo CD would change an RGD that has one.
local function has_empty(value)
  if type(value) ~= "table" then
    return false
  end
  if next(value) == nil then
    return true
  end
  for _, each in pairs(value) do
    if has_empty(each) then
      return true
    end
  end
  return false
end

local function has_inline_with_empty(value)
  if type(value) ~= "table" then
    return false
  end
  for key, each in pairs(value) do
    if (key == "inline" and has_empty(each)) or has_inline_with_empty(each) then
      return true
    end
  end
  return false
end

local status = obj.status or {}
local finished = status.completionTime ~= nil
local waits = not finished and status.startTime == nil
local suspended = obj.spec.suspend == true
-- The action appends 11 characters to the name, which may have 52.
local copyable = finished and #obj.metadata.name <= 41 and not has_inline_with_empty(obj.spec)

return {
  ["run-again"] = {displayName = "Run again", iconClass = "fa fa-fw fa-redo", disabled = not copyable},
  ["suspend"] = {iconClass = "fa fa-fw fa-pause", disabled = suspended or not waits},
  ["resume"] = {iconClass = "fa fa-fw fa-play", disabled = not (suspended and waits)},
}
