-- The status follows kstatus: a schedule that waits for its next run is ready. The verdict of its latest run
-- makes it Degraded only if the schedule has the annotation bench.kro.run/gate: "true".
local health = {status = "Progressing", message = "waiting for the operator of krobench"}
local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local function is_true(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

health.status = "Healthy"
health.message = conditions.Ready ~= nil and conditions.Ready.message or ""
local annotations = obj.metadata.annotations or {}
local gated = annotations["bench.kro.run/gate"] == "true"
if is_true("Stalled") then
  health.status = "Degraded"
  health.message = conditions.Stalled.message
elseif gated and status.verdict ~= nil and status.verdict ~= "Passed" then
  health.status = "Degraded"
  health.message = "the latest run: " .. status.verdict .. "; " .. health.message
elseif is_true("Suspended") then
  health.status = "Suspended"
end
return health
